//! Tagged sentences in columns, as CoNLL's shared tasks exchange them.
//!
//! ```text
//! # text = They sleep.
//! 1   They    they    PRON        one word a line, its columns apart by tabs or by spaces
//! 2   sleep   sleep   VERB
//!                                 an empty line after each sentence
//! ```
//!
//! A line with a tab in it has its columns apart by tabs, so that a column may be empty or hold a
//! space; any other has them apart by whitespace. Passed over, and counted: comments, which start
//! with `#`, hold no tab and stand before a sentence's first word; lines of CoNLL-U that are no
//! words of the sentence (`1-2`: several words written as one, `1.1`: a word that is not written);
//! and `-DOCSTART-` lines, which also end a sentence.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::text::refuse_wide;
pub use columns::ConllColumns;

mod columns;

/// The words of a sentence and their tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaggedSentence {
    /// The words.
    pub words: Vec<String>,
    /// One tag a word; none where tags are not read.
    pub tags: Vec<String>,
}

/// Lines that are no words of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassedOver {
    /// Comments.
    pub comments: usize,
    /// Multiword tokens (`1-2`), whose words have lines of their own.
    pub multiword: usize,
    /// Empty nodes (`1.1`): words that are not in the text.
    pub empty_nodes: usize,
    /// Beginnings of documents.
    pub documents: usize,
}

/// Reads sentence by sentence; nothing after the first error.
#[derive(Debug)]
pub struct ConllReader<R> {
    lines: R,
    path: PathBuf,
    columns: ConllColumns,
    passed_over: PassedOver,
    line: usize,
    /// Bytes before this line.
    offset: usize,
    ended: bool,
}

/// What one line is.
enum Line {
    Word(String, Option<String>),
    PassedOver,
    EndOfSentence,
}

impl<R: BufRead> ConllReader<R> {
    /// Reads from `lines`; errors name them `path`.
    pub fn new(lines: R, path: impl AsRef<Path>, columns: ConllColumns) -> Self {
        Self {
            lines,
            path: path.as_ref().to_path_buf(),
            columns,
            passed_over: PassedOver::default(),
            line: 0,
            offset: 0,
            ended: false,
        }
    }

    /// What has been passed over so far.
    pub fn passed_over(&self) -> PassedOver {
        self.passed_over
    }

    /// The next sentence; `None` at the end.
    fn sentence(&mut self) -> Result<Option<TaggedSentence>, DataError> {
        let mut sentence = TaggedSentence::default();
        while let Some(text) = self.text()? {
            match self.read(&text, sentence.words.is_empty())? {
                Line::Word(word, tag) => {
                    sentence.words.push(word);
                    sentence.tags.extend(tag);
                }
                Line::EndOfSentence if !sentence.words.is_empty() => return Ok(Some(sentence)),
                Line::EndOfSentence | Line::PassedOver => {}
            }
        }
        Ok(Some(sentence).filter(|sentence| !sentence.words.is_empty()))
    }

    /// The next line, without what ends it.
    fn text(&mut self) -> Result<Option<String>, DataError> {
        if self.offset == 0 {
            refuse_wide(&mut self.lines, &self.path)?;
        }
        let mut bytes = Vec::new();
        let read = self.lines.read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| DataError::Unreadable {
            path: self.path.clone(),
            error,
        })?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            DataError::NotText {
                path: self.path.clone(),
                byte: error.as_bytes()[at],
                offset: self.offset + at,
                line: self.line,
            }
        })?;
        let text = match self.offset {
            0 => text.strip_prefix('\u{FEFF}').unwrap_or(&text),
            _ => &text,
        };
        self.offset += read;
        Ok(Some(text.trim_end_matches(['\n', '\r']).to_string()))
    }

    fn read(&mut self, text: &str, before_first_word: bool) -> Result<Line, DataError> {
        if text.trim().is_empty() {
            return Ok(Line::EndOfSentence);
        }
        let tabs = text.contains('\t');
        if before_first_word && text.starts_with('#') && !tabs {
            self.passed_over.comments += 1;
            return Ok(Line::PassedOver);
        }
        let cells: Vec<&str> = match tabs {
            true => text.split('\t').collect(),
            false => text.split_whitespace().collect(),
        };
        if self.columns.word > 0 {
            let [multiword, empty] = [
                &mut self.passed_over.multiword,
                &mut self.passed_over.empty_nodes,
            ];
            for (separator, count) in [('-', multiword), ('.', empty)] {
                if is_pair(cells[0], separator) {
                    *count += 1;
                    return Ok(Line::PassedOver);
                }
            }
        }
        let word = self.cell(&cells, self.columns.word, "word")?;
        if word.starts_with("-DOCSTART-") {
            self.passed_over.documents += 1;
            return Ok(Line::EndOfSentence);
        }
        // The last column holds the tag only if it is another than the word's.
        let last = (cells.len() - 1).max(self.columns.word + 1);
        let tag = self.columns.tagged.then(|| {
            let column = self.columns.tag.unwrap_or(last);
            self.cell(&cells, column, "tag")
        });
        Ok(Line::Word(word, tag.transpose()?))
    }

    /// What stands in a column, which must be something.
    fn cell(&self, cells: &[&str], column: usize, what: &'static str) -> Result<String, DataError> {
        let found = cells.get(column).map(|cell| cell.trim());
        match found.filter(|cell| !cell.is_empty()) {
            Some(cell) => Ok(cell.to_string()),
            None => Err(DataError::NoCell {
                path: self.path.clone(),
                line: self.line,
                column: column + 1,
                what,
                found: cells.join(" "),
            }),
        }
    }
}

impl<R: BufRead> Iterator for ConllReader<R> {
    type Item = Result<TaggedSentence, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.sentence().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Whether `number` is two numbers with `separator` between them.
fn is_pair(number: &str, separator: char) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    number
        .split_once(separator)
        .is_some_and(|(first, second)| digits(first) && digits(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &[u8], columns: ConllColumns) -> ConllReader<&[u8]> {
        ConllReader::new(text, "some.conll", columns)
    }

    fn sentences(text: &str, columns: ConllColumns) -> Vec<(String, String)> {
        let told = |sentence: TaggedSentence| (sentence.words.join(" "), sentence.tags.join(" "));
        let read = reader(text.as_bytes(), columns);
        read.map(|sentence| told(sentence.unwrap())).collect()
    }

    fn pair(words: &str, tags: &str) -> (String, String) {
        (words.to_string(), tags.to_string())
    }

    #[test]
    fn columns_are_apart_by_tabs_or_by_spaces() {
        let tabs = "\u{FEFF}The\tAT\r\nNew York\tNP\r\n\r\n\r\n#\tNN\n# \tNN";
        let expected = [pair("The New York", "AT NP"), pair("# #", "NN NN")];
        assert_eq!(sentences(tabs, ConllColumns::new()), expected);
        let spaces = "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\n# # I-NP O\n";
        let mut read = reader(spaces.as_bytes(), ConllColumns::new());
        let first = read.next().unwrap().unwrap();
        assert_eq!(first.words, ["U.N.", "#"]);
        assert_eq!(first.tags, ["I-ORG", "O"]);
        assert!(read.next().is_none());
        assert_eq!(read.passed_over().documents, 1);
        let second = ConllColumns::new().with_tag(1);
        assert_eq!(sentences(spaces, second), [pair("U.N. #", "NNP #")]);
        let alone = ConllColumns::new().without_tags();
        assert_eq!(sentences("one\ntwo\n\nthree", alone).len(), 2);
    }

    #[test]
    fn what_is_no_word_of_a_sentence_is_passed_over_and_counted() {
        let text = "# sent_id = 1\n# text = Vamonos al mar\n1-2\tVamonos\t_\t_\n\
                    1\tVamos\tir\tVERB\n2\tnos\tnosotros\tPRON\n2.1\tya\t_\tADV\n3\t#\t#\tSYM\n";
        let columns = ConllColumns::new().with_word(1).with_tag(3);
        let mut read = reader(text.as_bytes(), columns);
        let sentence = read.next().unwrap().unwrap();
        assert_eq!(sentence.words, ["Vamos", "nos", "#"]);
        assert_eq!(sentence.tags, ["VERB", "PRON", "SYM"]);
        let expected = PassedOver {
            comments: 2,
            multiword: 1,
            empty_nodes: 1,
            documents: 0,
        };
        assert!(read.next().is_none());
        assert_eq!(read.passed_over(), expected);
        // In a column of words, numbers are words.
        assert_eq!(
            sentences("1-2\tCD\n", ConllColumns::new()),
            [pair("1-2", "CD")]
        );
    }

    #[test]
    fn errors_name_the_place_and_end_the_reading() {
        let error = |text: &[u8], columns: ConllColumns| {
            let mut read = reader(text, columns);
            let error = read.find_map(Result::err).unwrap().to_string();
            assert!(read.next().is_none());
            error
        };
        assert_eq!(
            error(b"The\tAT\n\njury\nsaid\tVBD\n", ConllColumns::new()),
            "some.conll: line 3, column 2: expected a tag, found the line `jury`"
        );
        assert_eq!(
            error(b"The\tAT\n\tNN\n", ConllColumns::new()),
            "some.conll: line 2, column 1: expected a word, found the line ` NN`"
        );
        assert_eq!(
            error(b"The\tAT\n", ConllColumns::new().with_tag(4)),
            "some.conll: line 1, column 5: expected a tag, found the line `The AT`"
        );
        assert_eq!(
            error(b"a\tA\n\nb\xFF\tB\n", ConllColumns::new()),
            "some.conll: expected UTF-8 text, found the byte 0xff at offset 6 (line 3)"
        );
        let wide = error(b"a\0\t\0A\0\n\0", ConllColumns::new());
        assert!(wide.contains("found what looks like UTF-16"), "{wide}");
    }
}
