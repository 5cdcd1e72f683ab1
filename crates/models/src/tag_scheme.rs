//! Which tags may follow each other, where tags say where spans begin and end.
//!
//! ```text
//! BIO (IOB2)     O  B-x  I-x              I-x only after B-x and I-x
//! BIOES          O  B-x  I-x  E-x  S-x    I-x and E-x only after B-x and I-x, and only they
//! ```
//!
//! What a model likes best may be no such sequence. The likeliest of those that are is found by Viterbi's
//! algorithm, in which what may not be has the score minus infinity.

use serde::{Deserialize, Serialize};

use crate::crf::chain::Chain;

/// How tags say where spans are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagScheme {
    /// Spans begin with B; also called IOB2.
    Bio,
    /// And they end with E; a span of one word is S.
    Bioes,
}

/// A tag's letter and the kind of its span; `None` of a tag without them.
pub(crate) fn parts(tag: &str) -> Option<(char, &str)> {
    let (letter, kind) = match tag.split_once('-') {
        Some((letter, kind)) => (letter, kind),
        None => (tag, ""),
    };
    match letter {
        "B" => Some(('B', kind)),
        "I" => Some(('I', kind)),
        "E" => Some(('E', kind)),
        "S" => Some(('S', kind)),
        "O" if tag == "O" => Some(('O', "")),
        _ => None,
    }
}

impl TagScheme {
    /// The scheme that all these sentences follow. `None` if a tag belongs to no scheme, if there is no span, or if
    /// a sentence breaks the rules of the scheme: then predictions cannot be constrained to it.
    ///
    /// ```
    /// use backdraft_models::TagScheme;
    ///
    /// let sentences = [vec!["O", "B-PER", "I-PER"], vec!["B-LOC"]];
    /// assert_eq!(TagScheme::of(sentences.iter().map(Vec::as_slice)), Some(TagScheme::Bio));
    /// let broken = ["O", "I-PER"];
    /// assert_eq!(TagScheme::of([&broken[..]]), None);
    /// ```
    pub fn of<'a, T: AsRef<str> + 'a>(
        sentences: impl IntoIterator<Item = &'a [T], IntoIter: Clone>,
    ) -> Option<Self> {
        let sentences = sentences.into_iter();
        let mut letters = Vec::new();
        for tag in sentences.clone().flatten() {
            letters.push(parts(tag.as_ref())?.0);
        }
        let scheme = match letters.iter().any(|letter| matches!(letter, 'E' | 'S')) {
            true => Self::Bioes,
            false => Self::Bio,
        };
        let begins = letters.iter().any(|letter| matches!(letter, 'B' | 'S'));
        let keeps = |sentence: &[T]| {
            let tags = || sentence.iter().map(|tag| Some(tag.as_ref()));
            let before = [None].into_iter().chain(tags());
            let after = tags().chain([None]);
            before.zip(after).all(|pair| scheme.allows(pair.0, pair.1))
        };
        let mut sentences = sentences;
        (begins && sentences.all(keeps)).then_some(scheme)
    }

    /// Whether one tag may follow another; `None` is what is before the first tag and after the last.
    pub fn allows(self, before: Option<&str>, after: Option<&str>) -> bool {
        let [before, after] = [before, after].map(|tag| tag.and_then(parts).unwrap_or(('O', "")));
        let is_open = matches!(before.0, 'B' | 'I');
        let goes_on = matches!(after.0, 'I' | 'E');
        match (self, goes_on) {
            (_, true) => is_open && before.1 == after.1,
            (Self::Bio, false) => true,
            (Self::Bioes, false) => !is_open,
        }
    }
}

/// Which tags a sentence may begin and end with, and which may follow which; tags are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraints {
    begins: Vec<bool>,
    /// From a row's tag to a column's.
    follows: Vec<bool>,
    ends: Vec<bool>,
}

impl Constraints {
    /// What a scheme allows of tags with these names.
    pub fn of(scheme: TagScheme, tags: &[impl AsRef<str>]) -> Self {
        let names = || tags.iter().map(|tag| Some(tag.as_ref()));
        let follows = names().flat_map(|before| names().map(move |after| (before, after)));
        Self {
            begins: names().map(|tag| scheme.allows(None, tag)).collect(),
            follows: follows
                .map(|(before, after)| scheme.allows(before, after))
                .collect(),
            ends: names().map(|tag| scheme.allows(tag, None)).collect(),
        }
    }

    /// The number of tags.
    pub fn tags(&self) -> usize {
        self.begins.len()
    }

    /// A field in which what is not allowed is impossible.
    pub(crate) fn within(&self, field: &Chain) -> Chain {
        let only = |scores: &[f64], allowed: &[bool]| -> Vec<f64> {
            let scores = scores.iter().zip(allowed);
            scores
                .map(|(score, allowed)| if *allowed { *score } else { f64::NEG_INFINITY })
                .collect()
        };
        let (transitions, start, end) = field.scores();
        Chain::new(
            only(transitions, &self.follows),
            only(start, &self.begins),
            only(end, &self.ends),
        )
    }

    /// A field that knows nothing else.
    pub(crate) fn alone(&self) -> Chain {
        let tags = self.tags();
        let nothing = |count: usize| vec![0.0; count];
        self.within(&Chain::new(
            nothing(tags * tags),
            nothing(tags),
            nothing(tags),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIOES: [&str; 5] = ["O", "B-a", "I-a", "E-a", "S-a"];

    /// Every sequence of up to four tags: those that the rules allow are those that read as whole spans.
    #[test]
    fn what_is_allowed_is_what_can_be_read_as_whole_spans() {
        let is_whole = |tags: &[&str]| {
            let text: String = tags.iter().map(|tag| &tag[..1]).collect();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                rest = match rest.strip_prefix(['O', 'S']) {
                    Some(after) => after,
                    None => {
                        let inner = rest
                            .strip_prefix('B')
                            .map(|rest| rest.trim_start_matches('I'));
                        match inner.and_then(|rest| rest.strip_prefix('E')) {
                            Some(after) => after,
                            None => return false,
                        }
                    }
                };
            }
            true
        };
        for length in 1..=4_u32 {
            for number in 0..5_usize.pow(length) {
                let digit = |place: u32| BIOES[number / 5_usize.pow(place) % 5];
                let tags: Vec<&str> = (0..length).map(digit).collect();
                let all: Vec<Option<&str>> = [None]
                    .into_iter()
                    .chain(tags.iter().copied().map(Some))
                    .chain([None])
                    .collect();
                let allowed = all
                    .windows(2)
                    .all(|pair| TagScheme::Bioes.allows(pair[0], pair[1]));
                assert_eq!(allowed, is_whole(&tags), "{tags:?}");
            }
        }
    }

    #[test]
    fn kinds_are_told_apart_and_other_tags_are_of_no_scheme() {
        assert!(!TagScheme::Bio.allows(Some("B-a"), Some("I-b")));
        assert!(TagScheme::Bio.allows(Some("I-a"), Some("B-b")));
        assert!(!TagScheme::Bio.allows(None, Some("I-a")));
        assert!(TagScheme::Bio.allows(Some("B-a"), None));
        let of = |tags: &[&str]| TagScheme::of([tags]);
        assert_eq!(of(&["B-a", "I-a", "O"]), Some(TagScheme::Bio));
        assert_eq!(of(&["S-a", "O"]), Some(TagScheme::Bioes));
        assert_eq!(of(&["B-a", "O", "S-b"]), None);
        assert_eq!(of(&["NOUN", "VERB"]), None);
        assert_eq!(of(&["O", "O"]), None);
        assert_eq!(of(&["B-a", "X"]), None);
    }

    /// By brute force over all sequences of three tags.
    #[test]
    fn the_likeliest_that_is_allowed_is_found() {
        let constraints = Constraints::of(TagScheme::Bioes, &BIOES);
        let field = Chain::new(
            (0..25).map(|at| f64::from(at * 7 % 11) / 5.0).collect(),
            vec![0.1, 0.5, 2.0, 0.3, 0.2],
            vec![0.0, 2.0, 0.4, 0.3, 0.1],
        );
        let within = constraints.within(&field);
        for case in 0..40 {
            let emissions: Vec<f64> = (0..15)
                .map(|at| f64::from((at * 13 + case * 29) % 17) / 4.0)
                .collect();
            let sequences = (0..125).map(|number| [number / 25, number / 5 % 5, number % 5]);
            let allowed = sequences.filter(|tags| {
                let [a, b, c] = tags.map(|tag| Some(BIOES[tag]));
                [(None, a), (a, b), (b, c), (c, None)]
                    .iter()
                    .all(|(before, after)| TagScheme::Bioes.allows(*before, *after))
            });
            let best = allowed
                .max_by(|a, b| {
                    let [a, b] = [a, b].map(|tags| field.score(&emissions, tags));
                    a.total_cmp(&b)
                })
                .unwrap();
            let found = within.viterbi(&emissions);
            let [found, best] = [&found[..], &best].map(|tags| field.score(&emissions, tags));
            assert!((found - best).abs() < 1e-12, "case {case}");
        }
        let likes_what_may_not_be = [0.0, 0.0, 9.0, 0.0, 1.0];
        assert_eq!(constraints.alone().viterbi(&likes_what_may_not_be), [4]);
    }
}
