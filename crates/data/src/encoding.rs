//! What a text that is not UTF-8 is encoded in, as far as its bytes tell.
//!
//! UTF-16 and UTF-32 are known by their byte order mark, and UTF-16 without one by what its units say:
//! characters that a text has, some of them ASCII. Windows-1252 and Latin-1 have no such signs. A text is
//! taken for one of them if it is mostly ASCII and has no bytes but those that stand for a character there;
//! other encodings of 8 bits look alike.

use std::fmt;

/// An encoding other than UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Units of 16 bits after a byte order mark.
    Utf16,
    /// Units of 16 bits, the low byte first, without a mark.
    Utf16Le,
    /// Units of 16 bits, the high byte first, without a mark.
    Utf16Be,
    /// Units of 32 bits after a byte order mark.
    Utf32,
    /// Western European, as Windows has it.
    Windows1252,
    /// Western European, as ISO 8859-1 has it.
    Latin1,
}

/// The byte that no text has in Latin-1 but for a letter of a few names, and many other files have.
const FILLER: u8 = 0xFF;

impl Encoding {
    /// What `bytes`, which are not a text in UTF-8, look like; none if like no text.
    pub fn guess(bytes: &[u8]) -> Option<Self> {
        Self::guess_wide(bytes).or_else(|| Self::western(bytes))
    }

    /// The same of encodings in units of more than 8 bits, which show at the beginning of a file.
    pub(crate) fn guess_wide(bytes: &[u8]) -> Option<Self> {
        Self::by_mark(bytes).or_else(|| Self::utf16_without_mark(bytes))
    }

    fn by_mark(bytes: &[u8]) -> Option<Self> {
        let little = |unit: &[u8]| u32::from_le_bytes(unit.try_into().expect("4 bytes"));
        let big = |unit: &[u8]| u32::from_be_bytes(unit.try_into().expect("4 bytes"));
        let is_utf32 = |read: fn(&[u8]) -> u32, rest: &[u8]| {
            let mut characters = rest.chunks_exact(4).map(|unit| char::from_u32(read(unit)));
            rest.len().is_multiple_of(4) && characters.all(|found| found.is_some_and(is_written))
        };
        let is_utf16 = |order| utf16(bytes, order).is_some();
        let found = match bytes {
            [0xFF, 0xFE, 0, 0, rest @ ..] if is_utf32(little, rest) => Self::Utf32,
            [0, 0, 0xFE, 0xFF, rest @ ..] if is_utf32(big, rest) => Self::Utf32,
            [0xFF, 0xFE, ..] if is_utf16(Order::Little) => Self::Utf16,
            [0xFE, 0xFF, ..] if is_utf16(Order::Big) => Self::Utf16,
            _ => return None,
        };
        Some(found)
    }

    fn utf16_without_mark(bytes: &[u8]) -> Option<Self> {
        // A text has its spaces and line ends at least; in the wrong order, or of single zeros in a text of
        // 8 bits, hardly any come out.
        let is_likely = |text: &Vec<char>| {
            let ascii = text.iter().filter(|character| character.is_ascii()).count();
            ascii * 8 >= text.len() && ascii > 0
        };
        let orders = [(Order::Little, Self::Utf16Le), (Order::Big, Self::Utf16Be)];
        let mut found = orders
            .into_iter()
            .filter(|(order, _)| utf16(bytes, *order).as_ref().is_some_and(is_likely));
        found.next().map(|(_, encoding)| encoding)
    }

    fn western(bytes: &[u8]) -> Option<Self> {
        let high = bytes.iter().filter(|byte| !byte.is_ascii()).count();
        let inked = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
        let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
        let is_none = |byte: &u8| is_control(byte) || *byte == FILLER;
        // UTF-8 with a fault in it.
        let is_utf8 = bytes.utf8_chunks().any(|part| !part.valid().is_ascii());
        if high == 0 || high * 3 > inked.count() || bytes.iter().any(is_none) || is_utf8 {
            return None;
        }
        let of_windows = |byte: &u8| (0x80..0xA0).contains(byte);
        // Five places of Windows-1252 are empty.
        let is_empty = |byte: &u8| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D);
        match (bytes.iter().any(of_windows), bytes.iter().any(is_empty)) {
            (_, true) => None,
            (true, false) => Some(Self::Windows1252),
            (false, false) => Some(Self::Latin1),
        }
    }

    /// What `iconv` calls it.
    pub fn iconv(self) -> &'static str {
        match self {
            Self::Utf16 => "UTF-16",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf32 => "UTF-32",
            Self::Windows1252 => "WINDOWS-1252",
            Self::Latin1 => "ISO-8859-1",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "UTF-16",
            Self::Utf16Le => "UTF-16 (little-endian, without a byte order mark)",
            Self::Utf16Be => "UTF-16 (big-endian, without a byte order mark)",
            Self::Utf32 => "UTF-32",
            Self::Windows1252 => "Windows-1252",
            Self::Latin1 => "Latin-1",
        })
    }
}

/// Which byte of a unit is first.
#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// The characters of UTF-16; none if some are not those of a text.
fn utf16(bytes: &[u8], order: Order) -> Option<Vec<char>> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units = units.iter().map(|unit| match order {
        Order::Little => u16::from_le_bytes(*unit),
        Order::Big => u16::from_be_bytes(*unit),
    });
    let written = |found: Result<char, _>| found.ok().filter(|character| is_written(*character));
    char::decode_utf16(units).map(written).collect()
}

/// Whether a text may have it: no control character but white space, none for private use.
fn is_written(character: char) -> bool {
    let is_private =
        matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{F0000}'..);
    (!character.is_control() || character.is_whitespace()) && !is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] = [
        "Plain English,\nin two lines.\n",
        "Grüße \u{201E}aus\u{201C} Köln\r\n",
        "Привет, мир: \u{1F525}\n",
    ];

    fn units(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn utf16_and_utf32_are_known_with_a_mark_and_utf16_without() {
        for text in TEXTS {
            let marked = format!("\u{FEFF}{text}");
            let guess = |bytes: Vec<u8>| Encoding::guess(&bytes);
            let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
            assert_eq!(guess(units(&marked, little)), Some(Encoding::Utf16));
            assert_eq!(guess(units(&marked, big)), Some(Encoding::Utf16));
            assert_eq!(guess(units(text, little)), Some(Encoding::Utf16Le));
            assert_eq!(guess(units(text, big)), Some(Encoding::Utf16Be));
            let wide = |order: fn(u32) -> [u8; 4]| {
                let characters = marked.chars().map(u32::from);
                characters.flat_map(order).collect::<Vec<u8>>()
            };
            assert_eq!(guess(wide(u32::to_le_bytes)), Some(Encoding::Utf32));
            assert_eq!(guess(wide(u32::to_be_bytes)), Some(Encoding::Utf32));
        }
    }

    #[test]
    fn western_texts_are_told_from_broken_ones() {
        let guess = |bytes: &[u8]| Encoding::guess(bytes);
        assert_eq!(guess(b"Gr\xFC\xDFe aus K\xF6ln"), Some(Encoding::Latin1));
        assert_eq!(
            guess(b"it\x92s \x80 5, caf\xE9"),
            Some(Encoding::Windows1252)
        );
        // UTF-8 that was damaged, in a place or at its end.
        assert_eq!(
            guess("Grüße aus K\u{F6}ln".as_bytes().split_last().unwrap().1),
            None
        );
        assert_eq!(guess(b"Gr\xC3\xBC\xC3e aus Bremen"), None);
        // Mostly outside ASCII: Cyrillic of 8 bits, or no text at all.
        assert_eq!(guess(b"\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0"), None);
        assert_eq!(guess(b"an empty place of the table: \x81"), None);
        assert_eq!(guess(b"text\x00and \xE9 more"), None);
    }

    #[test]
    fn what_is_no_text_is_in_no_encoding() {
        let files: [&[u8]; 6] = [
            b"\x7FELF\xFF\xFE",
            b"\x89PNG\r\n\x1A\n\x00\x00\x00\rIHDR\x00\x00\x01\x00",
            b"\xFF\xFE\x00\xD8a\x00",
            b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00",
            b"PK\x03\x04\x14\x00\x00\x00",
            b"one line\nand a\x00byte\n",
        ];
        for file in files {
            assert_eq!(Encoding::guess(file), None, "{file:?}");
        }
    }
}
