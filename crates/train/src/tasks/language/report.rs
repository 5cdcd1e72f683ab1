//! What is told of the training of a language model that has ended.

use serde::Serialize;

use super::texts::Amounts;
use crate::fit::training::Learned;
use crate::road::Trained;
use crate::say::say;

/// What `backdraft train lm` prints.
#[derive(Debug, Clone, Serialize)]
pub struct TrainReport {
    /// The mean cross-entropy on the held-out part, in nats a symbol, of the weights kept.
    pub loss: f64,
    /// The same in bits, a character of that part.
    pub bits_per_character: f64,
    /// Among how many symbols the model is as unsure as if all were alike: `exp(loss)`.
    pub perplexity: f64,
    /// Symbols that were learned from, counted each time.
    pub symbols: usize,
    /// Symbols of the held-out part that were foreseen.
    pub valid_symbols: usize,
    /// Steps, those included that were left out.
    pub steps: usize,
    /// Steps that were left out, their loss or gradient not being finite.
    pub skipped_steps: usize,
    /// Passes over the text, the last maybe in part.
    pub epochs: usize,
    /// What it was computed on.
    pub device: String,
    /// Which way the recurrent layers went, and why: `kernel (AVX-512, flex)`.
    pub path: String,
    /// How long it took, evaluation and samples included.
    pub seconds: f64,
    /// Symbols learned from a second.
    pub symbols_per_second: f64,
    /// Numbers that were learned.
    pub parameters: usize,
    /// What a symbol is: `char`, `word` or the file of a tokenizer.
    pub unit: String,
    /// Symbols of the vocabulary, the unknown one included.
    pub vocabulary: usize,
    /// The text.
    pub data: String,
    /// Files of its folder that are not in it: they cannot be read, or are no text.
    pub skipped_files: usize,
    /// The run folder.
    pub run: String,
    /// What the model wrote last.
    pub sample: String,
}

impl TrainReport {
    pub(super) fn new(text: Amounts, trained: Trained) -> Self {
        let Learned {
            best,
            tally,
            seconds,
        } = trained.learned;
        let best = best.validation;
        warn_of_divergence(best.loss, text.vocabulary);
        Self {
            loss: best.loss,
            bits_per_character: best.loss * text.bits_a_nat,
            perplexity: best.loss.exp(),
            symbols: tally.positions,
            valid_symbols: best.positions,
            steps: tally.steps,
            skipped_steps: tally.skipped,
            epochs: tally.last.map_or(0, |last| last.epoch),
            device: trained.device,
            path: trained.path,
            seconds,
            symbols_per_second: tally.positions as f64 / seconds,
            parameters: trained.parameters,
            unit: text.unit,
            vocabulary: text.vocabulary,
            data: trained.data,
            skipped_files: text.skipped_files,
            run: trained.run,
            sample: tally.sample,
        }
    }
}

/// Says that a model is far worse than one that knows nothing.
fn warn_of_divergence(loss: f64, vocabulary: usize) {
    let guess = (vocabulary as f64).ln();
    if loss > 2.0 * guess {
        say(format_args!(
            "warning: the loss, {loss:.3} nats, is far above the {guess:.3} of a uniform guess: the training \
             diverged; a lower --lr may help"
        ));
    }
}
