//! What a text is like at each of its characters, as far as it has been read.
//!
//! Prose and programs alike: quotes, brackets and lines mean much the same in both. Each feature is
//! told from the characters up to this one, this one included, as a model could know it.

use serde::Serialize;

/// A feature of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// 1 from an opening quote on until the closing one.
    Quotes,
    /// How many of `(` and `[` are open.
    Brackets,
    /// How many of `{` are open.
    Braces,
    /// The white space that the line begins with, in characters; a tab is four.
    Indentation,
    /// Characters since the line began.
    LinePosition,
    /// 1 in `// ..` until the line ends, and in `/* .. */`.
    Comment,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Quotes,
        Self::Brackets,
        Self::Braces,
        Self::Indentation,
        Self::LinePosition,
        Self::Comment,
    ];

    /// For a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quotes => "inside quotes",
            Self::Brackets => "depth of ( and [",
            Self::Braces => "depth of {",
            Self::Indentation => "indentation of the line",
            Self::LinePosition => "position in the line",
            Self::Comment => "inside a comment",
        }
    }

    /// For a file.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Brackets => "brackets",
            Self::Braces => "braces",
            Self::Indentation => "indentation",
            Self::LinePosition => "line-position",
            Self::Comment => "comment",
        }
    }
}

/// The features at each character, in the order of [`Feature::ALL`].
pub(super) fn features(text: &[char]) -> Vec<[f32; 6]> {
    let mut reader = Reader::default();
    text.iter()
        .map(|&character| reader.read(character))
        .collect()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Comment {
    #[default]
    None,
    Line,
    Block,
}

/// What is known after some characters.
#[derive(Debug, Default)]
struct Reader {
    quoted: bool,
    /// The last character was a backslash in quotes that is not itself escaped.
    escaped: bool,
    brackets: u32,
    braces: u32,
    indentation: u32,
    position: u32,
    in_indentation: bool,
    comment: Comment,
    /// The last two characters, the newer one first.
    last: [Option<char>; 2],
}

impl Reader {
    fn read(&mut self, character: char) -> [f32; 6] {
        match character {
            '\n' => self.end_line(),
            _ => self.go_on(character),
        }
        self.last = [Some(character), self.last[0]];
        let comment = self.comment != Comment::None;
        [
            f32::from(u8::from(self.quoted)),
            self.brackets as f32,
            self.braces as f32,
            self.indentation as f32,
            self.position as f32,
            f32::from(u8::from(comment)),
        ]
    }

    fn end_line(&mut self) {
        if self.comment == Comment::Line {
            self.comment = Comment::None;
        }
        // A paragraph ends: what has not been closed by now was no quote and no bracket.
        if self.position == 0 {
            self.quoted = false;
            self.brackets = 0;
        }
        self.escaped = false;
        self.indentation = 0;
        self.position = 0;
        self.in_indentation = true;
    }

    fn go_on(&mut self, character: char) {
        // The first line has no line break before it.
        let begins = self.in_indentation || self.last[0].is_none();
        self.in_indentation = begins && matches!(character, ' ' | '\t');
        if self.in_indentation {
            self.indentation += if character == '\t' { 4 } else { 1 };
        }
        self.position += 1;
        let closes_block =
            self.comment == Comment::Block && (self.last[0], character) == (Some('*'), '/');
        if closes_block {
            self.comment = Comment::None;
        } else if self.comment == Comment::None && !self.quoted {
            self.comment = self.opened(character);
        }
        if self.comment == Comment::None {
            self.quote(character);
        }
        // A bracket alone between apostrophes is a letter of a program.
        if self.last[0] != Some('\'') {
            self.bracket(character);
        }
    }

    fn opened(&self, character: char) -> Comment {
        match (self.last, character) {
            // The address of a page has two strokes, too.
            ([Some('/'), Some(':')], '/') => Comment::None,
            ([Some('/'), _], '/') => Comment::Line,
            ([Some('/'), _], '*') => Comment::Block,
            _ => Comment::None,
        }
    }

    fn quote(&mut self, character: char) {
        match character {
            '"' if !self.escaped && (self.quoted || self.last[0] != Some('\'')) => {
                self.quoted = !self.quoted;
            }
            '\u{201C}' => self.quoted = true,
            '\u{201D}' => self.quoted = false,
            _ => {}
        }
        self.escaped = self.quoted && character == '\\' && !self.escaped;
    }

    fn bracket(&mut self, character: char) {
        match character {
            '(' | '[' => self.brackets += 1,
            ')' | ']' => self.brackets = self.brackets.saturating_sub(1),
            '{' => self.braces += 1,
            '}' => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A feature of each character, as digits beside the text.
    #[track_caller]
    fn assert_feature(feature: Feature, text: &str, expected: &str) {
        let text: Vec<char> = text.chars().collect();
        let found: String = features(&text)
            .iter()
            .map(|values| char::from_digit(values[feature as usize] as u32, 36).unwrap())
            .collect();
        assert_eq!(found, expected, "{feature:?}");
    }

    #[test]
    fn quotes_open_and_close() {
        assert_feature(Feature::Quotes, r#"a "b c" d "e""#, "0011110000110");
        // An escaped one does not close, an escaped backslash does not escape.
        assert_feature(Feature::Quotes, r#""a\"b"c"\\"d"#, "111110011100");
        // A letter of a program; and curly ones.
        assert_feature(Feature::Quotes, "'\"' \u{201C}a\u{201D}b", "00001100");
        // A paragraph ends what was left open.
        assert_feature(Feature::Quotes, "\"a\n\nb", "11100");
    }

    #[test]
    fn brackets_have_depth() {
        assert_feature(Feature::Brackets, "f(a[1], (b)) c)d", "0112211122100000");
        assert_feature(Feature::Brackets, "'(' (", "00001");
        assert_feature(Feature::Braces, "a { { } } }b", "001122110000");
    }

    #[test]
    fn lines_have_an_indentation_and_a_position() {
        assert_feature(Feature::Indentation, "  ab c\n\td\ne", "12222204400");
        assert_feature(Feature::LinePosition, "  ab c\n\td\ne", "12345601201");
    }

    #[test]
    fn comments_end_with_the_line_or_their_mark() {
        assert_feature(Feature::Comment, "a // b\nc", "00011100");
        assert_feature(Feature::Comment, "a /* b\n */ c", "000111111000");
        assert_feature(Feature::Comment, "http://a", "00000000");
        assert_feature(Feature::Comment, "\"// a\" // b", "00000000111");
        // A quote in a comment is none.
        assert_feature(Feature::Quotes, "// \"a\nb", "0000000");
    }
}
