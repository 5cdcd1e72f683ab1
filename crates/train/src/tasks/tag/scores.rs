//! How well words are tagged: by word, and by span where tags say where spans are.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use backdraft_models::{Accuracy, Span, SpanScores, TagScheme, spans, strict_spans};

use crate::tasks::Scores;

/// Each word as a span of its tag.
fn words<T: AsRef<str>>(tags: &[T]) -> Vec<Span> {
    let tags = tags.iter().enumerate();
    tags.map(|(at, tag)| Span {
        kind: tag.as_ref().to_string(),
        words: at..at + 1,
    })
    .collect()
}

/// What is counted, sentence by sentence.
#[derive(Debug, Default)]
pub(super) struct TagScores {
    /// Whether tags say where spans are.
    have_spans: bool,
    /// What they keep to, if to any scheme.
    scheme: Option<TagScheme>,
    all: Accuracy,
    /// Of words that are known, and of those that are not.
    known: Accuracy,
    unknown: Accuracy,
    spans: SpanScores,
    strict: SpanScores,
    /// Of each tag, words that it is right for and those that it was given; of each kind of span, spans.
    by_name: BTreeMap<String, SpanScores>,
}

impl TagScores {
    pub(super) fn new(have_spans: bool, scheme: Option<TagScheme>) -> Self {
        Self {
            have_spans,
            scheme,
            ..Self::default()
        }
    }

    /// Counts a sentence: its tags, those that were found, and whether each word is known.
    pub(super) fn count(
        &mut self,
        right: &[String],
        found: &[&str],
        known: impl Iterator<Item = bool>,
    ) {
        self.all.count(right, found);
        for ((right, found), known) in right.iter().zip(found).zip(known) {
            let of = match known {
                true => &mut self.known,
                false => &mut self.unknown,
            };
            of.count(&[right], &[found]);
        }
        let [there, told] = match self.have_spans {
            true => [spans(right), spans(found)],
            false => [words(right), words(found)],
        };
        self.count_by_name(&there, &told);
        self.spans.count_spans(there, told);
        if let Some(scheme) = self.scheme {
            let [there, told] = [strict_spans(right, scheme), strict_spans(found, scheme)];
            self.strict.count_spans(there, told);
        }
    }

    fn count_by_name(&mut self, there: &[Span], told: &[Span]) {
        for span in there {
            self.of(span).there += 1;
        }
        let there: HashSet<&Span> = there.iter().collect();
        for span in told {
            let scores = self.of(span);
            scores.found += 1;
            scores.right += usize::from(there.contains(span));
        }
    }

    fn of(&mut self, span: &Span) -> &mut SpanScores {
        self.by_name.entry(span.kind.clone()).or_default()
    }

    /// What is told of it.
    pub(super) fn told(self) -> Scores {
        let mut figures = Vec::new();
        if self.have_spans {
            figures.push(("span_f1", self.spans.f1()));
        }
        figures.push(("accuracy", self.all.accuracy()));
        if self.unknown.total > 0 {
            figures.extend([
                ("known_accuracy", self.known.accuracy()),
                ("unknown_accuracy", self.unknown.accuracy()),
            ]);
        }
        if self.have_spans {
            figures.extend([
                ("span_precision", self.spans.precision()),
                ("span_recall", self.spans.recall()),
            ]);
        }
        if self.scheme.is_some() {
            figures.push(("strict_span_f1", self.strict.f1()));
        }
        Scores {
            figures,
            table: Some(self.table()),
        }
    }

    /// A row for each kind of span, or for each tag.
    fn table(&self) -> String {
        let head = if self.have_spans { "span" } else { "tag" };
        let names = self.by_name.keys().map(|name| name.chars().count());
        let width = names.max().unwrap_or(0).max(head.len());
        let mut table = format!("{head:width$}  precision  recall     F1   there   found");
        for (name, scores) in &self.by_name {
            write!(
                table,
                "\n{name:width$}  {:9.3}  {:6.3}  {:5.3}  {:6}  {:6}",
                scores.precision(),
                scores.recall(),
                scores.f1(),
                scores.there,
                scores.found
            )
            .expect("a string takes all");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_string()).collect()
    }

    #[test]
    fn spans_are_counted_by_kind_and_words_by_whether_they_are_known() {
        let mut scores = TagScores::new(true, Some(TagScheme::Bio));
        let right = strings(&["B-PER", "I-PER", "O", "B-LOC"]);
        let known = [true, false, true, false];
        scores.count(&right, &["B-PER", "I-PER", "I-LOC", "O"], known.into_iter());
        let told = scores.told();
        let figure = |name| {
            let mut all = told.figures.iter();
            all.find(|(known, _)| *known == name).unwrap().1
        };
        assert_eq!(told.figures[0].0, "span_f1");
        // Two are there; two were found, of which one begins with I and is none where that is strict.
        assert_eq!(
            (figure("span_f1"), figure("strict_span_f1")),
            (0.5, 2.0 / 3.0)
        );
        assert_eq!(figure("accuracy"), 0.5);
        assert_eq!(figure("known_accuracy"), 0.5);
        assert_eq!(figure("unknown_accuracy"), 0.5);
        let table = told.table.unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "span  precision  recall     F1   there   found");
        assert_eq!(lines[1], "LOC       0.000   0.000  0.000       1       1");
        assert_eq!(lines[2], "PER       1.000   1.000  1.000       1       1");
    }

    #[test]
    fn plain_tags_are_counted_word_by_word() {
        let mut scores = TagScores::new(false, None);
        let right = strings(&["NN", "NN", "VB"]);
        scores.count(&right, &["NN", "VB", "VB"], [true; 3].into_iter());
        let told = scores.told();
        assert_eq!(told.figures, [("accuracy", 2.0 / 3.0)]);
        let table = told.table.unwrap();
        assert!(
            table.contains("NN       1.000   0.500  0.667       2       1"),
            "{table}"
        );
    }
}
