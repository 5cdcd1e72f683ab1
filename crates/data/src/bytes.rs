//! Text as bytes of UTF-8: their names, and how they become characters again.
//!
//! ```text
//! 0x20 .. 0x7E    named by the character:  a
//! others          by their number:         <0xE9>
//! ```

/// The number of bytes that there are.
pub(crate) const BYTES: usize = 256;

/// What a byte is called where units have names: as the character that it is in ASCII, or by its number.
pub fn byte_name(byte: u8) -> String {
    match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("<0x{byte:02X}>"),
    }
}

/// The byte of a name; nothing if it is none.
pub fn byte_of_name(name: &str) -> Option<u8> {
    if let [byte @ b' '..=b'~'] = name.as_bytes() {
        return Some(*byte);
    }
    let number = name.strip_prefix("<0x")?.strip_suffix('>')?;
    let byte = u8::from_str_radix(number, 16).ok()?;
    (byte_name(byte) == name).then_some(byte)
}

/// Bytes that come one after the other, as text. What is not UTF-8 becomes U+FFFD.
#[derive(Debug, Clone, Default)]
pub(crate) struct Utf8 {
    /// The beginning of a character.
    pending: Vec<u8>,
}

impl Utf8 {
    /// The text that is complete with this byte.
    pub fn push(&mut self, byte: u8) -> String {
        self.pending.push(byte);
        let mut text = String::new();
        // What was pending is the beginning of one character: no byte of it is valid by itself.
        while let Err(error) = std::str::from_utf8(&self.pending) {
            let Some(wrong) = error.error_len() else {
                return text;
            };
            self.pending.drain(..wrong);
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text + &self.finish()
    }

    /// What is left of a character that was not completed.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_name_of_its_own() {
        let names: Vec<String> = (0..=u8::MAX).map(byte_name).collect();
        for (byte, name) in (0..=u8::MAX).zip(&names) {
            assert_eq!(byte_of_name(name), Some(byte));
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1);
        }
        for none in [
            "", "ab", "\u{e9}", "<0x>", "<0x100>", "<0x+9>", "<0x61>", "<unk>",
        ] {
            assert_eq!(byte_of_name(none), None, "{none}");
        }
    }

    #[test]
    fn bytes_become_what_the_standard_library_makes_of_them() {
        let texts: [&[u8]; 6] = [
            "plain, na\u{ef}ve \u{1F525}\n".as_bytes(),
            b"\xFFa\xC3(\xE2\x82",
            b"\xF0\x9F\x94\xF0\x9F\x94\xA5",
            b"\xE2\x28\xA1\xE2\x82\xAC",
            b"\xC0\x80\xED\xA0\x80",
            b"",
        ];
        for bytes in texts {
            let mut utf8 = Utf8::default();
            let written: String = bytes.iter().map(|byte| utf8.push(*byte)).collect();
            let written = written + &utf8.finish();
            assert_eq!(written, String::from_utf8_lossy(bytes), "{bytes:?}");
        }
    }
}
