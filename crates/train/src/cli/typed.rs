//! Line breaks and tabs, as they are typed.

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
    fn line_breaks_can_be_typed() {
        assert_eq!(unescape(r"a\n\tb\\").unwrap(), "a\n\tb\\");
        assert!(unescape(r"\x").unwrap_err().contains("found `x`"));
        assert!(unescape("\\").unwrap_err().contains("found the end"));
    }
}
