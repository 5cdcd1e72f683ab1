//! What is learned: the model, and how the text is cut.

use super::arguments::take;
use super::layering::Layering;
use crate::cli::lexicon::Words;
use crate::cli::typed::unescape;
use crate::{Carrying, LanguageSettings, TextUnit};

#[derive(Debug, clap::Args)]
pub(super) struct Shaping {
    #[command(flatten)]
    symbols: Symbols,
    #[command(flatten)]
    layering: Layering,
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    dropping: Dropping,
    #[command(flatten)]
    penalising: Penalising,
    #[command(flatten)]
    cutting: Cutting,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Data")]
struct Symbols {
    /// Symbols of the text: characters, bytes, words, or the pieces of a Hugging Face tokenizer
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t)]
    unit: TextUnit,
    #[command(flatten)]
    words: Words,
    /// Use an adaptive softmax that cuts the vocabulary here, such as 2000,10000
    #[arg(
        long,
        value_name = "N,N..",
        value_delimiter = ',',
        help_heading = "Model"
    )]
    adaptive: Vec<usize>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
struct Model {
    /// Share the weights of the output and the embedding, whose sizes must be equal
    #[arg(long)]
    tied: bool,
    /// Units of the last layer [default: as many as in the others]
    #[arg(long, value_name = "N")]
    last_hidden: Option<usize>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Regularisation")]
struct Dropping {
    /// Dropout of whole symbols of the embedding, the same for a window
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    embedding_dropout: f64,
    /// Dropout after the embedding [default: --dropout]
    #[arg(long, value_name = "F")]
    input_dropout: Option<f64>,
    /// Dropout before the output [default: --dropout]
    #[arg(long, value_name = "F")]
    output_dropout: Option<f64>,
    /// Draw the masks of these and of --dropout once for a window, not at each step
    #[arg(long)]
    variational: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Regularisation")]
struct Penalising {
    /// Label smoothing: the part of each target that is spread over all symbols
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    label_smoothing: f64,
    /// Penalty on large outputs of the layers (AR)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    activation_penalty: f64,
    /// Penalty on outputs that change quickly (TAR)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    temporal_penalty: f64,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Training")]
struct Cutting {
    /// Streams of text in a batch
    #[arg(long, value_name = "B", default_value_t = LanguageSettings::default().training.batch)]
    batch: usize,
    /// Steps in a window: how far gradients go back (k2)
    #[arg(long, value_name = "T", default_value_t = LanguageSettings::default().unroll)]
    unroll: usize,
    /// Steps from one window to the next (k1) [default: --unroll]
    #[arg(long, value_name = "T")]
    stride: Option<usize>,
    /// Draw the lengths of windows at random, and scale the learning rate with them
    #[arg(long)]
    drawn: bool,
    /// Where the state of a window comes from
    #[arg(long, value_enum, default_value_t)]
    carry: Carrying,
    /// Text between two documents, and between the files of a folder; \n and \t are understood
    #[arg(long, value_name = "TEXT", value_parser = unescape, allow_hyphen_values = true, help_heading = "Data")]
    separator: Option<String>,
    /// Windows whose gradients are summed before each step
    #[arg(long, value_name = "N", default_value_t = LanguageSettings::default().windows.accumulate)]
    accumulate: usize,
    /// Save memory: keep every sqrt(T)-th state and recompute the others
    #[arg(long)]
    recompute: bool,
}

impl Shaping {
    pub(super) fn put(&self, typed: &dyn Fn(&str) -> bool, settings: &mut LanguageSettings) {
        take!(self.symbols, typed, settings.lexicon, unit adaptive);
        take!(self.symbols.words, typed, settings.lexicon, min_count most_words);
        self.layering.put(typed, &mut settings.recurrence);
        take!(self.model, typed, settings, tied last_hidden);
        if typed("embedding_dropout") {
            settings.dropping.embedding = self.dropping.embedding_dropout;
        }
        if typed("input_dropout") {
            settings.dropping.input = self.dropping.input_dropout;
        }
        if typed("output_dropout") {
            settings.dropping.output = self.dropping.output_dropout;
        }
        take!(self.dropping, typed, settings.dropping, variational);
        let asked = &self.penalising;
        take!(asked, typed, settings.penalties, label_smoothing);
        if typed("activation_penalty") {
            settings.penalties.activation = asked.activation_penalty;
        }
        if typed("temporal_penalty") {
            settings.penalties.temporal_activation = asked.temporal_penalty;
        }
        take!(self.cutting, typed, settings.training, batch);
        take!(self.cutting, typed, settings, unroll);
        take!(self.cutting, typed, settings.windows,
            stride drawn carry separator accumulate recompute);
    }
}
