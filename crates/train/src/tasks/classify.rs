//! Classes of whole sequences: of texts, by their words, characters or pieces, or of vectors.
//!
//! What is known: the classes, in the order of their names; of texts, the vocabulary; of vectors, the
//! mean and spread of each feature, by which they are scaled.

mod objective;
mod options;
mod showing;

use std::path::Path;
use std::sync::Arc;

use backdraft_cells::Error;
use backdraft_data::{
    ArrayNames, LabelColumns, LabelledText, LabelledTexts, Place, WordVectors, read_arrays,
    read_labelled,
};
use backdraft_models::{ClassificationScores, Classifier, ClassifierConfig, Encoder, Pooling};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sequences::{self, Reading, Sequence, is_arrays};
use super::{
    Answer, BatchOf, ExampleTask, Examples, Rows, Scores, TaskSettings, TextReader, class_folders,
    rounded, vectors,
};
use crate::{Section, TrainError};

pub use objective::ClassBatch;
pub use options::{ClassWeighting, ClassifyOptions, PoolingKind};

/// Features of the query that attention asks.
const QUERY: usize = 64;

/// Classes of whole sequences, and what is known of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Classify {
    /// Their names.
    classes: Vec<String>,
    /// Examples of each that are learned from; a run of before does not tell.
    #[serde(default)]
    counts: Vec<usize>,
    /// How sequences become numbers.
    reading: Reading,
    /// Vectors that words begin with: known until the training has begun.
    #[serde(skip)]
    vectors: Option<Arc<WordVectors>>,
}

/// A sequence, and its class if that is known.
#[derive(Debug, Clone)]
pub struct ClassExample {
    /// What is classified.
    pub sequence: Sequence,
    /// Its class.
    pub class: Option<String>,
    /// Where it is from: a line of a table, a file in a folder, or a row of arrays; nothing of a line that was typed.
    pub place: Option<Place>,
}

/// What is predicted of an example.
struct Prediction {
    /// Its place among the examples.
    at: usize,
    /// The probability of each class.
    p: Vec<f32>,
    /// The likeliest.
    class: usize,
}

impl Classify {
    /// The number of a class; those that were never learned have none.
    fn class(&self, example: &ClassExample) -> Option<usize> {
        let class = example.class.as_ref()?;
        self.classes.binary_search(class).ok()
    }

    /// How much an example of each class counts: `n / (K n_k)`, of `n` examples of `K` classes, which is 1 in the
    /// mean over all examples.
    fn weights(&self, weighting: ClassWeighting) -> Result<Vec<f64>, Error> {
        let (all, classes) = (self.counts.iter().sum::<usize>(), self.counts.len());
        // A class that is not among other examples has no weight to have.
        let weight = |count: &usize| all as f64 / (classes * count.max(&1)) as f64;
        match weighting {
            ClassWeighting::Equal => Ok(Vec::new()),
            ClassWeighting::Balanced if classes == 0 => Err(Error::new(
                "Classify",
                "class weights",
                "equal, as this run of before does not tell how many examples each class has",
                "balanced",
            )),
            ClassWeighting::Balanced => Ok(self.counts.iter().map(weight).collect()),
        }
    }

    /// Hands over what is predicted of each example, in batches of similar length.
    fn judge(
        &self,
        model: &Classifier<Encoder>,
        examples: &[ClassExample],
        rows: usize,
        mut take: impl FnMut(Prediction) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let mut by_length: Vec<usize> = (0..examples.len()).collect();
        by_length.sort_by_key(|&at| std::cmp::Reverse(examples[at].sequence.len()));
        for some in by_length.chunks(rows) {
            let batch: Vec<&ClassExample> = some.iter().map(|&at| &examples[at]).collect();
            for (&at, p) in some.iter().zip(self.p(model, &batch)?) {
                let class = likeliest(&p);
                take(Prediction { at, p, class })?;
            }
        }
        Ok(())
    }

    /// Counts what was never learned as a class of its own, which is never predicted, if there is such.
    fn blank_scores(&self, examples: &[ClassExample]) -> ClassificationScores {
        let is_known = examples.iter().all(|example| self.class(example).is_some());
        let unknown = (!is_known).then(|| "(never learned)".to_string());
        ClassificationScores::new(self.classes.iter().cloned().chain(unknown))
    }

    /// The probability of each class, example by example.
    fn p(
        &self,
        model: &Classifier<Encoder>,
        examples: &[&ClassExample],
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let sequences = examples.iter().map(|example| &example.sequence);
        let device = model.output.weight.val().device();
        let (inputs, lengths) = self.reading.batch(&sequences.collect::<Vec<_>>(), &device);
        let p = softmax(model.logits(inputs, &lengths)?, 1).into_data();
        let p: Vec<f32> = p.iter::<f32>().collect();
        Ok(p.chunks(self.classes.len()).map(<[f32]>::to_vec).collect())
    }
}

/// The examples of a table of texts, of a folder for each class, or of arrays.
fn read_examples(
    path: &Path,
    options: &ClassifyOptions,
    reader: &TextReader,
) -> Result<Rows<ClassExample>, TrainError> {
    if is_arrays(path) {
        let (sequences, classes) = read_arrays(path, &ArrayNames::default())?;
        let class = |row: usize| {
            let classes = classes.as_ref()?;
            Some(classes.names[classes.rows[row]].clone())
        };
        return Ok(sequences::vectors(
            &sequences,
            class,
            |row, sequence, class| ClassExample {
                sequence,
                class,
                place: Some(Place::Row(row + 1)),
            },
        ));
    }
    let columns = LabelColumns {
        label: options.label_column.clone(),
        text: options.text_column.clone(),
    };
    let LabelledTexts {
        rows,
        skipped,
        only_column,
    } = match path.is_dir() {
        true => class_folders(path)?.read(),
        false => read_labelled(path, &columns)?,
    };
    let all = rows.len();
    let example = |row: LabelledText| {
        Some(ClassExample {
            // What the tokenizer cannot take apart is skipped.
            sequence: Sequence::of_text(&row.text, reader).ok()?,
            class: row.label,
            place: Some(row.place),
        })
    };
    let examples: Vec<ClassExample> = rows.into_iter().filter_map(example).collect();
    Ok(Rows {
        skipped: skipped + all - examples.len(),
        examples,
        only_column,
    })
}

/// How many examples each class has.
fn counts(classes: &[String], examples: &[ClassExample]) -> Vec<usize> {
    let mut counts = vec![0; classes.len()];
    for class in examples.iter().filter_map(|example| example.class.as_ref()) {
        if let Ok(place) = classes.binary_search(class) {
            counts[place] += 1;
        }
    }
    counts
}

/// The likeliest class, the first of several.
fn likeliest(probabilities: &[f32]) -> usize {
    let all = probabilities.iter().enumerate();
    all.rev()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(class, _)| class)
}

impl ExampleTask for Classify {
    const HAS_PROBABILITIES: bool = true;

    type Options = ClassifyOptions;
    type Example = ClassExample;
    type Model = Classifier<Encoder>;

    fn read(
        path: &Path,
        options: &ClassifyOptions,
        known: Option<&Self>,
    ) -> Result<Examples<ClassExample>, TrainError> {
        let known = known.and_then(|known| known.reading.reader().cloned());
        let reader = known.map_or_else(|| options.reader(), Ok)?;
        let all = read_examples(path, options, &reader)?;
        let is_bare = all.examples.iter().all(|example| example.class.is_none());
        if path.is_dir() && is_bare && !all.examples.is_empty() {
            return Err(TrainError::OtherKind {
                path: path.to_path_buf(),
                reason: "expected a folder for each class, found files alone".to_string(),
            });
        }
        Examples::of(path, all.only(|example| example.class.is_some()))
    }

    fn of(
        examples: &[ClassExample],
        settings: &TaskSettings<ClassifyOptions>,
    ) -> Result<Self, TrainError> {
        let mut classes: Vec<String> = examples.iter().flat_map(|e| e.class.clone()).collect();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(TrainError::Unfit {
                what: "the number of classes",
                expected: "at least 2".to_string(),
                found: format!("{} ({})", classes.len(), classes.join(", ")),
            });
        }
        let counts = counts(&classes, examples);
        let sequences = examples.iter().map(|example| &example.sequence);
        let (options, embedding) = (&settings.options, settings.recurrence.embedding);
        let (at_least, at_most) = (options.min_count, options.most_words);
        let reading = Reading::of(sequences, options.reader()?, at_least, at_most)?;
        let (reading, vectors) = match reading {
            Reading::Text { reader, vocabulary } => {
                let vectors = options.vectors.read(embedding)?;
                let vocabulary =
                    vectors::known(vocabulary, vectors.as_ref(), reader.normalisation());
                (Reading::Text { reader, vocabulary }, vectors)
            }
            of_vectors => (of_vectors, None),
        };
        Ok(Self {
            classes,
            counts,
            reading,
            vectors: vectors.map(Arc::new),
        })
    }

    fn with_known_weights(&mut self, mut model: Classifier<Encoder>) -> Classifier<Encoder> {
        if let (Reading::Text { reader, vocabulary }, Some(vectors)) =
            (&self.reading, self.vectors.take())
        {
            let begun = |embedding| {
                vectors::initialised(embedding, vocabulary, &vectors, reader.normalisation())
            };
            model.embedding = model.embedding.map(begun);
        }
        model
    }

    fn for_training(
        self,
        examples: &[ClassExample],
        _settings: &TaskSettings<ClassifyOptions>,
    ) -> Self {
        let counts = counts(&self.classes, examples);
        Self { counts, ..self }
    }

    fn model(
        &self,
        settings: &TaskSettings<ClassifyOptions>,
        device: &Device,
    ) -> Result<Classifier<Encoder>, Error> {
        let (asked, options) = (&settings.recurrence, &settings.options);
        let features = self.reading.features().unwrap_or(asked.embedding);
        let layer = asked.encoder(features).with_both(options.ways.are_both());
        let pooling = match options.pooling {
            PoolingKind::Last => Pooling::Last,
            PoolingKind::Mean => Pooling::Mean,
            PoolingKind::Max => Pooling::Max,
            PoolingKind::Attention => Pooling::Attention { size: QUERY },
        };
        // Of vectors each feature counts: they are not dropped.
        let input_dropout = match self.reading.features() {
            Some(_) => 0.0,
            None => asked.dropout,
        };
        ClassifierConfig::new(self.classes.len(), self.reading.source(), layer)
            .with_pooling(pooling)
            .with_input_dropout(input_dropout)
            .with_output_dropout(asked.dropout)
            .with_label_smoothing(options.label_smoothing)
            .with_class_weights(self.weights(options.class_weights)?)
            .init(device)
    }

    fn layers(model: &Classifier<Encoder>) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.recurrent)]
    }

    fn layers_mut(model: &mut Classifier<Encoder>) -> Vec<(&'static str, &mut Encoder)> {
        vec![("recurrent", &mut model.recurrent)]
    }

    fn lengths(&self, example: &ClassExample) -> [usize; 2] {
        [example.sequence.len(), 0]
    }

    fn batch(&self, examples: &[&ClassExample], device: &Device) -> BatchOf<Self> {
        let sequences = examples.iter().map(|example| &example.sequence);
        let (inputs, lengths) = self.reading.batch(&sequences.collect::<Vec<_>>(), device);
        // A class that was never learned costs what the first does: its examples count as wrong.
        let classes = examples.iter().map(|e| self.class(e).unwrap_or(0) as i64);
        let classes = TensorData::new(classes.collect::<Vec<_>>(), [examples.len()]);
        let classes = Tensor::<1, Int>::from_data(classes, device);
        let batch = ClassBatch {
            inputs,
            lengths,
            classes,
        };
        (batch, examples.len())
    }

    fn score(
        &self,
        model: &Classifier<Encoder>,
        examples: &[ClassExample],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut scores = self.blank_scores(examples);
        self.judge(model, examples, rows, |predicted| {
            let right = self.class(&examples[predicted.at]);
            Ok(scores.add(right.unwrap_or(self.classes.len()), predicted.class)?)
        })?;
        Ok(Scores {
            figures: vec![
                ("accuracy", scores.accuracy()),
                ("macro_f1", scores.macro_f1()),
            ],
            table: Some(scores.to_string()),
        })
    }

    fn shown(
        &self,
        model: &Classifier<Encoder>,
        examples: &[ClassExample],
        rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        self.sections(model, examples, rows)
    }

    fn check(&self, example: &ClassExample) -> Result<(), String> {
        self.reading.check(&example.sequence)
    }

    fn check_learned(&self, example: &ClassExample) -> Result<(), String> {
        match (&example.class, self.class(example)) {
            (Some(class), None) => Err(format!(
                "expected one of the classes {}, found `{class}`",
                self.classes.join(", ")
            )),
            _ => Ok(()),
        }
    }

    fn questions(
        &self,
        path: &Path,
        options: &ClassifyOptions,
    ) -> Result<Examples<ClassExample>, TrainError> {
        let own = self.reading.reader().cloned();
        let reader = own.map_or_else(|| options.reader(), Ok)?;
        Examples::of(path, read_examples(path, options, &reader)?)
    }

    fn question(&self, line: &str) -> Result<ClassExample, String> {
        let sequence = self.reading.line(line)?;
        Ok(ClassExample {
            sequence,
            class: None,
            place: None,
        })
    }

    fn answer(
        &self,
        model: &Classifier<Encoder>,
        examples: &[&ClassExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let all = self.p(model, examples)?;
        let answer = |(example, p): (&&ClassExample, Vec<f32>)| {
            let class = likeliest(&p);
            let mut answer = vec![
                ("class", json!(self.classes[class])),
                ("probability", rounded(f64::from(p[class]))),
            ];
            answer.extend(
                example
                    .class
                    .as_ref()
                    .map(|class| ("expected", json!(class))),
            );
            // Of a file in a folder, its name says more than its text.
            let file = match &example.place {
                Some(Place::File(file)) => Some(file.to_string_lossy()),
                _ => None,
            };
            answer.extend(file.as_ref().map(|file| ("file", json!(file))));
            let text = example.sequence.text().filter(|_| file.is_none());
            answer.extend(text.map(|text| ("text", json!(text))));
            Answer(answer)
        };
        Ok(examples.iter().zip(all).map(answer).collect())
    }

    fn probabilities(
        &self,
        model: &Classifier<Encoder>,
        examples: &[&ClassExample],
    ) -> Result<Vec<Value>, TrainError> {
        let all = self.p(model, examples)?.into_iter();
        let by_class = |p: Vec<f32>| {
            let classes = self.classes.iter().cloned().zip(p);
            let all = classes.map(|(class, p)| (class, rounded(f64::from(p))));
            Value::Object(all.collect())
        };
        Ok(all.map(by_class).collect())
    }
}
