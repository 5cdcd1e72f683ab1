//! A tag for each word: parts of speech, or where names and phrases begin and end.
//!
//! What is known: the words that are frequent, the characters, the tags in the order of their names.

mod objective;
mod options;
mod scores;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use backdraft_cells::Error;
use backdraft_data::{
    ConllReader, DataError, PassedOver, TaggedSentence, Vocabulary, WordVectors, WordVocabulary,
};
use backdraft_models::{
    CharactersConfig, ClassificationScores, Constraints, Encoder, TagScheme, Tagger, TaggerConfig,
    TaggerInput, are_spans, padded,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::normalisation::Normalisation;
use super::{
    Answer, BatchOf, ExampleTask, Examples, Parts, Rows, Scores, TaskSettings, held_out_at_random,
    rounded, vectors,
};
use crate::drawing::html::escape;
use crate::say::counted;
use crate::tasks::confusion::confusion;
use crate::{Picture, Recurrence, Section, TrainError, Variant};

pub use objective::TagBatch;
pub use options::{DecoderKind, SchemeKind, TagOptions};
use scores::TagScores;

/// A tag for each word, and what is known of both.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tag {
    words: WordVocabulary,
    /// How they are looked up.
    #[serde(flatten)]
    normalisation: Normalisation,
    /// If they are read.
    characters: Option<Vocabulary>,
    tags: Vec<String>,
    /// What the tags keep to; nothing if they do not, or nothing was asked for.
    #[serde(default)]
    scheme: Option<TagScheme>,
    /// Vectors that words begin with: known until the training has begun.
    #[serde(skip)]
    vectors: Option<Arc<WordVectors>>,
}

type Model = Tagger<Encoder>;

/// Kinds of mistakes that a page tells.
const MISTAKES: usize = 20;

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
            .map(|word| self.words.symbol(&self.normalisation.of(word)))
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
}

/// Sentences of similar length side by side.
fn by_length(sentences: &[TaggedSentence]) -> Vec<&TaggedSentence> {
    let mut all: Vec<&TaggedSentence> = sentences.iter().collect();
    all.sort_by_key(|sentence| std::cmp::Reverse(sentence.words.len()));
    all
}

impl ExampleTask for Tag {
    const HAS_PROBABILITIES: bool = true;

    const HAS_LOSS_OF_ALL_STEPS: bool = true;

    type Options = TagOptions;
    type Example = TaggedSentence;
    type Model = Model;

    fn read(
        path: &Path,
        options: &TagOptions,
        _known: Option<&Self>,
    ) -> Result<Examples<TaggedSentence>, TrainError> {
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
        let normalisation = options.normalisation();
        let words: Vec<String> = all().map(|word| normalisation.of(word)).collect();
        let words = words.iter().map(String::as_str);
        let words = WordVocabulary::of(words, options.min_count, options.most_words);
        let vectors = options.vectors.read(settings.recurrence.embedding)?;
        let characters = || Vocabulary::of(&all().map(String::as_str).collect::<String>());
        let mut tags: Vec<String> = examples.iter().flat_map(|s| s.tags.clone()).collect();
        tags.sort_unstable();
        tags.dedup();
        Ok(Self {
            words: vectors::known(words, vectors.as_ref(), normalisation),
            normalisation,
            characters: (options.characters > 0).then(characters),
            tags,
            scheme: options.scheme(examples),
            vectors: vectors.map(Arc::new),
        })
    }

    fn with_known_weights(&mut self, mut model: Model) -> Model {
        if let Some(vectors) = self.vectors.take() {
            let (words, normalisation) = (&self.words, self.normalisation);
            model.embedding = vectors::initialised(model.embedding, words, &vectors, normalisation);
        }
        model
    }

    fn for_training(
        self,
        examples: &[TaggedSentence],
        settings: &TaskSettings<TagOptions>,
    ) -> Self {
        let scheme = settings.options.scheme(examples);
        Self { scheme, ..self }
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
        let allowed = self
            .scheme
            .map(|scheme| Constraints::of(scheme, &self.tags));
        config.init(device)?.with_constraints(allowed)
    }

    fn layers(model: &Model) -> Vec<(&'static str, &Encoder)> {
        let characters = model.characters.iter();
        let characters = characters.map(|read| ("characters", &read.recurrent));
        characters.chain([("words", &model.recurrent)]).collect()
    }

    fn layers_mut(model: &mut Model) -> Vec<(&'static str, &mut Encoder)> {
        let characters = model.characters.iter_mut();
        let characters = characters.map(|read| ("characters", &mut read.recurrent));
        characters
            .chain([("words", &mut model.recurrent)])
            .collect()
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
        let by_length = by_length(sentences);
        let mut scores = TagScores::new(are_spans(&self.tags), self.scheme);
        for some in by_length.chunks(rows) {
            for (sentence, found) in some.iter().zip(self.tagged(model, some)?) {
                let symbols = self.symbols(sentence);
                let known = symbols.iter().map(|word| *word != WordVocabulary::UNKNOWN);
                scores.count(&sentence.tags, &found, known);
            }
        }
        Ok(scores.told())
    }

    fn shown(
        &self,
        model: &Model,
        sentences: &[TaggedSentence],
        rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        let mut scores = ClassificationScores::new(self.tags.iter().cloned());
        let mut wrong = BTreeMap::<String, usize>::new();
        for some in by_length(sentences).chunks(rows) {
            for (sentence, found) in some.iter().zip(self.tagged(model, some)?) {
                let words = sentence.words.iter().zip(&sentence.tags).zip(found);
                for ((word, right), told) in words {
                    let numbers = [right, &told.to_string()].map(|tag| self.number(tag));
                    if let [Some(right), Some(told)] = numbers {
                        scores.add(right, told)?;
                    }
                    if right != told {
                        *wrong
                            .entry(format!("{word}: {right}, taken for {told}"))
                            .or_default() += 1;
                    }
                }
            }
        }
        let mut wrong: Vec<(String, usize)> = wrong.into_iter().collect();
        wrong.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let rows = wrong.iter().take(MISTAKES);
        let rows: String = rows
            .map(|(told, count)| format!("{count:6}  {told}\n"))
            .collect();
        let often = (!rows.is_empty())
            .then(|| Picture::page("mistakes", format!("<pre>{}</pre>", escape(&rows))));
        Ok(vec![
            Section {
                title: "Tags that are taken for others".to_string(),
                about: "A row for each tag: what words of that tag were given.".to_string(),
                pictures: vec![confusion(&scores)],
            },
            Section {
                title: "The most frequent mistakes".to_string(),
                about: "How often a word was given another tag than the right one.".to_string(),
                pictures: often.into_iter().collect(),
            },
        ])
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

    /// Of each word, that of each tag.
    fn probabilities(
        &self,
        model: &Model,
        sentences: &[&TaggedSentence],
    ) -> Result<Vec<Value>, TrainError> {
        let device = model.output.weight.val().device();
        let all = model.marginals(&self.input(sentences, &device))?;
        let of_word = |p: Vec<f64>| {
            let tags = self.tags.iter().cloned().zip(p);
            Value::Object(tags.map(|(tag, p)| (tag, rounded(p))).collect())
        };
        let of_sentence = |words: Vec<Vec<f64>>| words.into_iter().map(of_word).collect();
        Ok(all.into_iter().map(of_sentence).collect())
    }
}
