//! Text on a page.

use crate::say::printable;

/// Text as HTML shows it: control characters, which HTML does not have, as they are in Rust.
pub(crate) fn escape(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_does_not_have_is_shown_as_something_else() {
        assert_eq!(
            escape("<a>\u{1b}[31m\0 \"b\"\n&"),
            "&lt;a&gt;\\u{1b}[31m\\0 &quot;b&quot;\n&amp;"
        );
    }
}
