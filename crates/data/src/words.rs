//! A text as words.

use unicode_segmentation::UnicodeSegmentation;

/// The words of a text, in their order: runs of letters and digits, with an apostrophe or a hyphen in
/// their middle (`don't`, `well-known`), and markers such as `<unk>`; whatever else is there stands
/// alone, a character a word. A character is what a reader takes for one (a grapheme cluster of Unicode): marks,
/// vowel signs and joiners belong to the letter before them.
///
/// ```
/// let words: Vec<&str> = backdraft_data::words("It's -- well-made!").collect();
/// assert_eq!(words, ["It's", "-", "-", "well-made", "!"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let (word, after) = rest.split_at(first_word(rest));
        rest = after;
        Some(word)
    })
}

/// The words of a text, and of each line its end: `\n`.
pub(crate) fn line_words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let end = line.ends_with('\n').then_some("\n");
        words(line).chain(end)
    })
}

/// What stands between white space, and of each line its end: `\n`. White space is that of ASCII: in texts that were
/// taken apart before, other spaces are a part of a token.
pub(crate) fn line_tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let end = line.ends_with('\n').then_some("\n");
        line.split_ascii_whitespace().chain(end)
    })
}

/// Whether a space stands between two words, of which either may be the end of a line.
pub(crate) fn is_apart(before: &str, word: &str) -> bool {
    let closes = [
        ".", ",", ";", ":", "!", "?", ")", "]", "}", "%", "\u{2019}", "\u{201D}", "\u{2026}", "\n",
    ];
    let opens = ["(", "[", "{", "$", "#", "\u{2018}", "\u{201C}", "\n"];
    !closes.contains(&word) && !opens.contains(&before)
}

/// Bytes of a marker that a text starts with: `<name>`.
fn marker(text: &str) -> Option<usize> {
    let name = text.strip_prefix('<')?;
    let end = name.find(|character: char| !character.is_ascii_alphanumeric())?;
    (end > 0 && name[end..].starts_with('>')).then_some(end + 2)
}

/// Bytes of the first word of a text that does not start with a space.
fn first_word(text: &str) -> usize {
    if let Some(end) = marker(text) {
        return end;
    }
    let mut characters = text.grapheme_indices(true).peekable();
    let mut end = 0;
    while let Some((at, character)) = characters.next() {
        let joins = end > 0
            && matches!(character, "'" | "\u{2019}" | "-")
            && characters.peek().is_some_and(|(_, next)| is_of_word(next));
        if !is_of_word(character) && !joins {
            // The first of all is a word by itself.
            return if end == 0 { character.len() } else { end };
        }
        end = at + character.len();
    }
    end
}

/// Whether a character is a letter or a digit, whatever marks it has.
fn is_of_word(character: &str) -> bool {
    character.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_is_between_them_are_told_apart() {
        let all = |text| words(text).collect::<Vec<_>>();
        assert_eq!(all("a  fine\tday ."), ["a", "fine", "day", "."]);
        assert_eq!(all("don't 'quote'"), ["don't", "'", "quote", "'"]);
        assert_eq!(
            all("na\u{ef}ve\u{2014}3.5"),
            ["na\u{ef}ve", "\u{2014}", "3", ".", "5"]
        );
        assert_eq!(all("rock-"), ["rock", "-"]);
        // Letters that are written as several characters: with an accent, a virama, a joiner.
        let several = [
            "cafe\u{301}s",
            "\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940}",
            "\u{645}\u{6CC}\u{200C}\u{62E}",
        ];
        for word in several {
            let text = format!("{word}, {word}");
            assert!(words(&text).eq([word, ",", word]), "{word}");
        }
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
        let text = format!("{family}!");
        assert!(words(&text).eq([family, "!"]));
        assert_eq!(all(" \n"), Vec::<&str>::new());
        assert_eq!(all("a<unk>b <>c<"), ["a", "<unk>", "b", "<", ">", "c", "<"]);
    }

    #[test]
    fn lines_end() {
        let found: Vec<&str> = line_words("a b\n\nc").collect();
        assert_eq!(found, ["a", "b", "\n", "\n", "c"]);
    }
}
