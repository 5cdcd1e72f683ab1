//! A tag for each word: parts of speech, or where names and phrases begin and end.
//!
//! What is known: the words that are frequent, the characters, the tags in the order of their names.

mod objective;
mod options;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::{
    ConllReader, DataError, PassedOver, TaggedSentence, Vocabulary, WordVocabulary,
};
use backdraft_models::{
    Accuracy, CharactersConfig, Encoder, SpanScores, Tagger, TaggerConfig, TaggerInput, padded,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Answer, BatchOf, Examples, Parts, Rows, Scores, Task, TaskSettings, held_out_at_random,
};
use crate::say::counted;
use crate::{Recurrence, TrainError, Variant};

pub use objective::TagBatch;
pub use options::{DecoderKind, TagOptions};

/// A tag for each word, and what is known of both.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tag {
    words: WordVocabulary,
    /// Whether capital letters are told from small ones in words.
    case: bool,
    /// If they are read.
    characters: Option<Vocabulary>,
    tags: Vec<String>,
}

type Model = Tagger<Encoder>;

/// The sentences of a file, and the lines that were passed over.
fn read_sentences(
    path: &Path,
    options: &TagOptions,
    are_tagged: bool,
) -> Result<Rows<TaggedSentence>, TrainError> {
    let file = File::open(path).map_err(|error| DataError::Unreadable {
        path: path.to_path_buf(),
        error,
    })?;
    let columns = match are_tagged {
        true => options.columns(),
        false => options.columns().without_tags(),
    };
    let mut reader = ConllReader::new(BufReader::new(file), path, columns);
    let sentences = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
    let PassedOver {
        comments,
        multiword,
        empty_nodes,
        documents,
    } = reader.passed_over();
    let passed_over = comments + multiword + empty_nodes + documents;
    Ok(Rows::new(sentences, passed_over))
}

/// A word as it is looked up.
fn spelled(word: &str, case: bool) -> String {
    match case {
        true => word.to_string(),
        false => word.to_lowercase(),
    }
}

impl Tag {
    /// How many words are known, the unknown one included, and how many tags.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.words.len(), self.tags.len())
    }

    /// A tag by its number, if it was learned.
    pub(crate) fn number(&self, tag: &String) -> Option<usize> {
        self.tags.binary_search(tag).ok()
    }

    /// The words of a sentence by their numbers.
    pub(crate) fn symbols(&self, sentence: &TaggedSentence) -> Vec<u32> {
        let words = sentence.words.iter();
        words
            .map(|word| self.words.symbol(&spelled(word, self.case)))
            .collect()
    }

    pub(crate) fn input(&self, sentences: &[&TaggedSentence], device: &Device) -> TaggerInput {
        let words: Vec<Vec<u32>> = sentences.iter().map(|s| self.symbols(s)).collect();
        let input = TaggerInput::new(&words, device).expect("a sentence has a word");
        let Some(characters) = &self.characters else {
            return input;
        };
        let spelled = |sentence: &&TaggedSentence| -> Vec<Vec<u32>> {
            let words = sentence.words.iter();
            words.map(|word| characters.encode(word)).collect()
        };
        let spellings: Vec<Vec<Vec<u32>>> = sentences.iter().map(spelled).collect();
        input
            .with_spellings(&spellings)
            .expect("a word has a character")
    }

    /// The tags of each sentence, by name.
    fn tagged(
        &self,
        model: &Model,
        sentences: &[&TaggedSentence],
    ) -> Result<Vec<Vec<&str>>, TrainError> {
        let device = model.output.weight.val().device();
        let all = model.decode(&self.input(sentences, &device))?;
        let named = |tags: Vec<usize>| tags.into_iter().map(|tag| self.tags[tag].as_str());
        Ok(all.into_iter().map(|tags| named(tags).collect()).collect())
    }

    /// Whether tags say where spans begin and go on.
    fn has_spans(&self) -> bool {
        let begins = |tag: &String| tag.starts_with("B-") || tag.starts_with("I-");
        self.tags.iter().any(begins)
    }
}

impl Task for Tag {
    type Options = TagOptions;
    type Example = TaggedSentence;
    type Model = Model;

    fn read(path: &Path, options: &TagOptions) -> Result<Examples<TaggedSentence>, TrainError> {
        Examples::of(path, read_sentences(path, options, true)?)
    }

    fn hold_out(
        all: Vec<TaggedSentence>,
        settings: &TaskSettings<TagOptions>,
    ) -> Result<Parts<TaggedSentence>, TrainError> {
        match all.as_slice() {
            [alone] => Err(TrainError::Unfit {
                what: "the sentences",
                expected: "at least 2, with an empty line between them".to_string(),
                found: format!("1, of {}", counted(alone.words.len(), "word")),
            }),
            _ => held_out_at_random(all, settings),
        }
    }

    fn of(
        examples: &[TaggedSentence],
        settings: &TaskSettings<TagOptions>,
    ) -> Result<Self, TrainError> {
        let options = &settings.options;
        let all = || examples.iter().flat_map(|sentence| &sentence.words);
        let words: Vec<String> = all().map(|word| spelled(word, options.case)).collect();
        let characters = || Vocabulary::of(&all().map(String::as_str).collect::<String>());
        let mut tags: Vec<String> = examples.iter().flat_map(|s| s.tags.clone()).collect();
        tags.sort_unstable();
        tags.dedup();
        Ok(Self {
            words: WordVocabulary::of(words.iter().map(String::as_str), options.min_count, None),
            case: options.case,
            characters: (options.characters > 0).then(characters),
            tags,
        })
    }

    fn model(&self, settings: &TaskSettings<TagOptions>, device: &Device) -> Result<Model, Error> {
        let (asked, options) = (&settings.recurrence, &settings.options);
        let layer = asked.encoder(asked.embedding).with_both(true);
        let config = TaggerConfig::new(self.words.len(), self.tags.len(), layer)
            .with_dropout(asked.dropout)
            .with_decoder(options.decoder.into());
        let config = match &self.characters {
            None => config,
            Some(characters) => {
                let reader = Recurrence {
                    layers: 1,
                    hidden: options.characters,
                    variant: Variant {
                        projection: None,
                        heads: 1,
                        ..asked.variant
                    },
                    ..asked.clone()
                };
                let layer = reader.encoder(options.character_embedding);
                let layer = layer.with_both(true);
                config.with_characters(CharactersConfig::new(characters.len(), layer))
            }
        };
        config.init(device)
    }

    fn layers(model: &Model) -> Vec<&Encoder> {
        let characters = model.characters.iter().map(|read| &read.recurrent);
        characters.chain([&model.recurrent]).collect()
    }

    fn lengths(&self, sentence: &TaggedSentence) -> [usize; 2] {
        [sentence.words.len(), 0]
    }

    fn batch(&self, sentences: &[&TaggedSentence], device: &Device) -> BatchOf<Self> {
        // A tag that was never learned costs what the first does: its words count as wrong.
        let number = |tag: &String| self.number(tag).unwrap_or(0) as u32;
        let tags = sentences
            .iter()
            .map(|s| s.tags.iter().map(number).collect());
        let batch = TagBatch {
            tags: padded(&tags.collect::<Vec<Vec<u32>>>(), device),
            input: self.input(sentences, device),
        };
        (batch, sentences.len())
    }

    fn score(
        &self,
        model: &Model,
        sentences: &[TaggedSentence],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut by_length: Vec<&TaggedSentence> = sentences.iter().collect();
        by_length.sort_by_key(|sentence| std::cmp::Reverse(sentence.words.len()));
        let (mut accuracy, mut spans) = (Accuracy::default(), SpanScores::default());
        for some in by_length.chunks(rows) {
            for (sentence, found) in some.iter().zip(self.tagged(model, some)?) {
                let right: Vec<&str> = sentence.tags.iter().map(String::as_str).collect();
                accuracy.count(&right, &found);
                if self.has_spans() {
                    spans.count(&right, &found);
                }
            }
        }
        let mut figures = vec![("accuracy", accuracy.accuracy())];
        if self.has_spans() {
            figures.insert(0, ("span_f1", spans.f1()));
            figures.extend([
                ("span_precision", spans.precision()),
                ("span_recall", spans.recall()),
            ]);
        }
        Ok(Scores {
            figures,
            table: None,
        })
    }

    fn check_learned(&self, sentence: &TaggedSentence) -> Result<(), String> {
        match sentence.tags.iter().find(|tag| self.number(tag).is_none()) {
            Some(tag) => Err(format!(
                "expected one of the tags {}, found `{tag}`",
                self.tags.join(", ")
            )),
            None => Ok(()),
        }
    }

    fn questions(
        &self,
        path: &Path,
        options: &TagOptions,
    ) -> Result<Examples<TaggedSentence>, TrainError> {
        Examples::of(path, read_sentences(path, options, false)?)
    }

    /// Words with spaces between them.
    fn question(&self, line: &str) -> Result<TaggedSentence, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        match words.is_empty() {
            true => Err("expected a sentence, found no word".to_string()),
            false => Ok(TaggedSentence {
                words,
                tags: Vec::new(),
            }),
        }
    }

    fn answer(
        &self,
        model: &Model,
        sentences: &[&TaggedSentence],
    ) -> Result<Vec<Answer>, TrainError> {
        let all = self.tagged(model, sentences)?;
        let answer = |(sentence, tags): (&&TaggedSentence, Vec<&str>)| {
            let mut answer = vec![("tags", json!(tags))];
            if !sentence.tags.is_empty() {
                answer.push(("expected", json!(sentence.tags)));
            }
            answer.push(("words", json!(sentence.words)));
            Answer(answer)
        };
        Ok(sentences.iter().zip(all).map(answer).collect())
    }
}
