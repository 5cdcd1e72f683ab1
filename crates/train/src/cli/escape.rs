//! Line breaks and tabs, as they are typed; and what a terminal would take for a command, as it can be
//! read.

use std::borrow::Cow;

/// A text without what moves a cursor or changes a colour: of the control characters, line breaks and tabs
/// alone stay as they are.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let is_command = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let characters = text.chars().map(|character| match is_command(character) {
        true => character.escape_debug().to_string(),
        false => character.to_string(),
    });
    Cow::Owned(characters.collect())
}

/// A text with its line breaks and tabs.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    let (mut plain, mut characters) = (String::new(), text.chars());
    while let Some(character) = characters.next() {
        plain.push(match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => {
                    let found = other.map_or_else(|| "the end".to_string(), |c| format!("`{c}`"));
                    return Err(format!("expected n, t or \\ after \\, found {found}"));
                }
            },
            (character, false) => character,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_can_be_read() {
        assert_eq!(escape("a\tb\n\u{1F525}"), "a\tb\n\u{1F525}");
        assert_eq!(
            escape("\u{1b}[2J\r\u{9b}1m\u{7}"),
            "\\u{1b}[2J\\r\\u{9b}1m\\u{7}"
        );
    }

    #[test]
    fn line_breaks_can_be_typed() {
        assert_eq!(unescape(r"a\n\tb\\").unwrap(), "a\n\tb\\");
        assert!(unescape(r"\x").unwrap_err().contains("found `x`"));
        assert!(unescape("\\").unwrap_err().contains("found the end"));
    }
}
