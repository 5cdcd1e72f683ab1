//! Spans that tags mark in a sentence, and how many of them were found.
//!
//! ```text
//! B-x begins a span of kind x    I-x goes on    E-x ends it    S-x is one    O is outside
//!
//! precision = right / found      recall = right / there      F1 = 2 right / (found + there)
//! ```
//!
//! The rules are those of the program `conlleval`, by which CoNLL's shared tasks were judged
//! (Tjong Kim Sang and Buchholz 2000). They read BIO and BIOES, and IOB1, where a span begins with
//! `B` only if it follows another of its kind; a span that goes on without having begun begins
//! there. What is no such tag is a span of one kind, its own name: plain tags make runs.

use std::collections::HashSet;
use std::ops::Range;

use crate::TagScheme;
use crate::tag_scheme;

/// Words that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// What they are: the tag without its prefix.
    pub kind: String,
    /// Where they stand.
    pub words: Range<usize>,
}

/// The spans of a sentence, in order.
///
/// ```
/// use backdraft_models::{Span, spans};
///
/// let found = spans(&["B-PER", "I-PER", "O", "S-LOC"]);
/// let (kind, words) = ("LOC".to_string(), 3..4);
/// assert_eq!(found[1], Span { kind, words });
/// ```
pub fn spans<T: AsRef<str>>(tags: &[T]) -> Vec<Span> {
    let (mut spans, mut open) = (Vec::new(), None::<(usize, &str)>);
    let mut last = ('O', "");
    for (at, tag) in tags.iter().enumerate() {
        let here = parts(tag.as_ref());
        if let Some((start, kind)) = open.filter(|_| ends(last, here)) {
            spans.push(span(kind, start..at));
            open = None;
        }
        if begins(last, here) {
            open = Some((at, here.1));
        }
        last = here;
    }
    if let Some((start, kind)) = open {
        spans.push(span(kind, start..tags.len()));
    }
    spans
}

/// The spans of a sentence that follow the scheme, in order, as with `mode="strict"` of the package `seqeval`. A span
/// without its beginning (in BIOES, also without its end) does not count.
pub fn strict_spans<T: AsRef<str>>(tags: &[T], scheme: TagScheme) -> Vec<Span> {
    let tags: Vec<(char, &str)> = tags
        .iter()
        .map(|tag| tag_scheme::parts(tag.as_ref()).unwrap_or(('O', "")))
        .collect();
    let (mut spans, mut at) = (Vec::new(), 0);
    while at < tags.len() {
        let (start, (letter, kind)) = (at, tags[at]);
        at += 1;
        if letter == 'B' {
            while at < tags.len() && tags[at] == ('I', kind) {
                at += 1;
            }
        }
        let is_whole = match scheme {
            TagScheme::Bio => letter == 'B',
            TagScheme::Bioes if letter == 'B' => {
                let ends = tags.get(at) == Some(&('E', kind));
                at += usize::from(ends);
                ends
            }
            TagScheme::Bioes => letter == 'S',
        };
        if is_whole {
            spans.push(span(kind, start..at));
        }
    }
    spans
}

fn span(kind: &str, words: Range<usize>) -> Span {
    let kind = kind.to_string();
    Span { kind, words }
}

/// A tag's letter and its kind: of what is no such tag, its own name.
fn parts(tag: &str) -> (char, &str) {
    tag_scheme::parts(tag).unwrap_or(('I', tag))
}

/// Whether tags say where spans are: one has a letter and a kind, or all are such letters.
pub fn are_spans<T: AsRef<str>>(tags: &[T]) -> bool {
    let parts = || tags.iter().map(|tag| tag_scheme::parts(tag.as_ref()));
    let has_kind = parts().flatten().any(|(_, kind)| !kind.is_empty());
    let begins = parts().flatten().any(|(letter, _)| letter != 'O');
    has_kind || (begins && parts().all(|part| part.is_some()))
}

/// Whether a span that `last` belongs to ends before `here`.
fn ends(last: (char, &str), here: (char, &str)) -> bool {
    matches!(last.0, 'E' | 'S') || matches!(here.0, 'B' | 'S' | 'O') || last.1 != here.1
}

/// Whether a span begins with `here`.
fn begins(last: (char, &str), here: (char, &str)) -> bool {
    match here.0 {
        'O' => false,
        'B' | 'S' => true,
        _ => matches!(last.0, 'E' | 'S' | 'O') || last.1 != here.1,
    }
}

/// How many spans were found, over any number of sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpanScores {
    /// Spans that are there.
    pub there: usize,
    /// Spans that were found.
    pub found: usize,
    /// Spans found that are there: of the same kind, from the same word to the same word.
    pub right: usize,
}

impl SpanScores {
    /// Counts a sentence: its tags, and those that were found.
    pub fn count<T: AsRef<str>, U: AsRef<str>>(&mut self, tags: &[T], found: &[U]) {
        self.count_where(tags, found, |_| true);
    }

    /// Counts a sentence, of it only the spans whose kind `of` wants.
    pub fn count_where<T: AsRef<str>, U: AsRef<str>>(
        &mut self,
        tags: &[T],
        found: &[U],
        of: impl Fn(&str) -> bool,
    ) {
        let [there, mut found] = [spans(tags), spans(found)];
        let there = there.into_iter().filter(|span| of(&span.kind)).collect();
        found.retain(|span| of(&span.kind));
        self.count_spans(there, found);
    }

    /// Counts the spans of a sentence, and those that were found.
    pub fn count_spans(&mut self, there: Vec<Span>, found: Vec<Span>) {
        let there: HashSet<Span> = there.into_iter().collect();
        self.there += there.len();
        for span in found {
            self.found += 1;
            self.right += usize::from(there.contains(&span));
        }
    }

    /// The part of what was found that is right; 0 where nothing was found.
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.found)
    }

    /// The part of what is there that was found; 0 where nothing is there.
    pub fn recall(&self) -> f64 {
        ratio(self.right, self.there)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.right, self.found + self.there)
    }
}

/// How many tags are right, over any number of sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accuracy {
    /// Tags that are right.
    pub right: usize,
    /// Words.
    pub total: usize,
}

impl Accuracy {
    /// Counts a sentence: its tags, and those that were found.
    pub fn count<T: PartialEq<U>, U>(&mut self, tags: &[T], found: &[U]) {
        self.total += tags.len();
        self.right += tags.iter().zip(found).filter(|(a, b)| a == b).count();
    }

    /// The part that is right; 0 where nothing was counted.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right, self.total)
    }
}

fn ratio(part: usize, of: usize) -> f64 {
    match of {
        0 => 0.0,
        of => part as f64 / of as f64,
    }
}
