//! What is learned: the model, and how the text is cut.

use super::arguments::take;
use super::layering::Layering;
use crate::cli::escape::unescape;
use crate::{Carrying, Lexicon, Settings, TextUnit};

#[derive(Debug, clap::Args)]
pub(super) struct Shaping {
    #[command(flatten)]
    symbols: Symbols,
    #[command(flatten)]
    layering: Layering,
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    penalising: Penalising,
    #[command(flatten)]
    cutting: Cutting,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Symbols of the text")]
struct Symbols {
    /// What a symbol is: char, word, or the tokenizer.json of a Hugging Face tokenizer
    #[arg(long, value_name = "char|word|FILE.json", default_value_t)]
    unit: TextUnit,
    /// How often a word must occur to be known
    #[arg(long, value_name = "N", default_value_t = Lexicon::default().min_count)]
    min_count: usize,
    /// Words that are known, at most: the most frequent [default: all]
    #[arg(long, value_name = "N")]
    most_words: Option<usize>,
    /// Cut the vocabulary, the frequent first, for an adaptive softmax: 2000,10000
    #[arg(long, value_name = "N,N..", value_delimiter = ',')]
    adaptive: Vec<usize>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
struct Model {
    /// Share the weights of output and embedding; their sizes must agree
    #[arg(long)]
    tied: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Regularising")]
struct Penalising {
    /// The part of each target that all symbols share
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    label_smoothing: f64,
    /// The weight of what large outputs cost (AR)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    activation_penalty: f64,
    /// The weight of what quickly changing outputs cost (TAR)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    temporal_penalty: f64,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Windows of the text")]
struct Cutting {
    /// Streams learned from side by side
    #[arg(long, value_name = "B", default_value_t = Settings::default().training.batch)]
    batch: usize,
    /// Steps that the gradient goes back (k2)
    #[arg(long, value_name = "T", default_value_t = Settings::default().unroll)]
    unroll: usize,
    /// Steps from window to window (k1) [default: as many as the gradient goes back]
    #[arg(long, value_name = "T")]
    stride: Option<usize>,
    /// Draw the lengths of the windows, and let the learning rate follow them
    #[arg(long)]
    drawn: bool,
    /// What a window continues from
    #[arg(long, value_enum, default_value_t)]
    carry: Carrying,
    /// What is between two documents (\n and \t are understood); between the files of a folder, too
    #[arg(long, value_name = "TEXT", value_parser = unescape, allow_hyphen_values = true)]
    separator: Option<String>,
    /// Windows that a step learns from, one after the other
    #[arg(long, value_name = "N", default_value_t = Settings::default().windows.accumulate)]
    accumulate: usize,
    /// Keep every sqrt(T)-th state alone for the backward pass, and compute the rest again
    #[arg(long)]
    recompute: bool,
}

impl Shaping {
    pub(super) fn put(&self, typed: &dyn Fn(&str) -> bool, settings: &mut Settings) {
        take!(self.symbols, typed, settings.lexicon, unit min_count most_words adaptive);
        self.layering.put(typed, &mut settings.recurrence);
        take!(self.model, typed, settings, tied);
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
