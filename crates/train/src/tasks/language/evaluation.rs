//! How well a run's model foresees a text.

use std::path::Path;
use std::time::{Duration, Instant};

use backdraft_data::Units;
use backdraft_models::{Encoder, LanguageModel};
use burn::data::dataloader::DataLoader;
use burn::train::InferenceStep;
use serde::Serialize;

use super::{Evaluated, Language, Text, evaluated};
use crate::bounds::counts;
use crate::road::Opened;
use crate::say::say;
use crate::{PickedDevice, TrainError, Trainee, Window};

/// What `backdraft evaluate` prints.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationReport {
    /// The mean cross-entropy, in nats a symbol.
    pub loss: f64,
    /// The same in bits, a character of the text.
    pub bits_per_character: f64,
    /// Among how many symbols the model is as unsure as if all were alike: `exp(loss)`.
    pub perplexity: f64,
    /// Symbols that were foreseen.
    pub symbols: usize,
    /// Of these, symbols that the model does not know.
    pub unknown: usize,
    /// Streams that the text was read as, side by side: each begins without having read anything.
    pub streams: usize,
    /// What it was computed on.
    pub device: String,
    /// How long it took.
    pub seconds: f64,
    /// The text.
    pub data: String,
}

/// Evaluates the model of a run on a text; without one, on the part that was held out of its own.
///
/// A text is read as one stream, from its beginning to its end: what the model gets of it does not depend
/// on how it was trained. What was held out is read as in training, by as many streams, so that the figure is
/// the one that training gave. `streams` is how many there are to be, at most, of either.
///
/// # Errors
///
/// When the run or the text cannot be used, or there are to be no streams.
pub fn evaluate_language_model(
    path: &Path,
    text: Option<Text>,
    streams: Option<usize>,
    device: &PickedDevice,
) -> Result<EvaluationReport, TrainError> {
    let start = Instant::now();
    let Opened {
        run,
        task: Language { units, .. },
        description,
        model,
    } = Opened::open(path, &device.device)?;
    let settings = &description.settings;
    let (text, usual) = match text {
        Some(text) => (text, 1),
        None => {
            let source = match &description.made {
                Some(made) => format!("held out of {}", made.text),
                None => "held out".to_string(),
            };
            let text = Text::new(run.held_out()?, source);
            (text, settings.training.batch)
        }
    };
    let streams = streams.unwrap_or(usual);
    counts([("streams", streams)])?;
    let read = evaluated(&text.content, &units, settings, streams, &device.device)?;
    let total = total(model, read, &units);
    let loss = total.nats / total.symbols as f64;
    if !loss.is_finite() {
        return Err(TrainError::NoSymbol);
    }
    Ok(EvaluationReport {
        loss,
        bits_per_character: loss * total.bits_a_nat,
        perplexity: loss.exp(),
        symbols: total.symbols,
        unknown: total.unknown,
        streams: total.streams,
        device: device.name.clone(),
        seconds: start.elapsed().as_secs_f64(),
        data: text.source,
    })
}

/// How long nothing is said of how long it takes.
const SILENT: Duration = Duration::from_secs(3);

/// What to tell somebody who waits for so many seconds more.
fn advice(seconds: f64, streams: usize) -> Option<String> {
    let faster = match streams {
        1 => {
            "; --streams N is faster: it reads N parts of the text side by side, each without what is before it"
        }
        _ => "",
    };
    let seconds = seconds.round() as u64;
    (seconds >= 10).then(|| format!("about {}:{:02} to go{faster}", seconds / 60, seconds % 60))
}

/// What a text comes to.
struct Total {
    /// The sum of the loss.
    nats: f64,
    /// Symbols that were foreseen.
    symbols: usize,
    /// Of these, symbols that the model does not know.
    unknown: usize,
    /// Streams that there were.
    streams: usize,
    /// Bits that a character costs, for each nat that a symbol does.
    bits_a_nat: f64,
}

fn total(model: LanguageModel<Encoder>, text: Evaluated, units: &Units) -> Total {
    let model = Trainee { model };
    let windows: &dyn DataLoader<Window<LanguageModel<Encoder>>> = &text.windows;
    let (mut nats, mut state) = (0.0, None);
    let (started, mut is_told) = (Instant::now(), false);
    for (number, window) in (1..).zip(windows.iter()) {
        let mut window = window.expect("windows of a text in memory");
        window.state = state.take();
        let output = InferenceStep::step(&model, window);
        nats += output.losses.into_data().iter::<f64>().sum::<f64>();
        state = output.state;
        if !is_told && started.elapsed() > SILENT {
            is_told = true;
            let left = started.elapsed().as_secs_f64() / number as f64;
            let left = left * (windows.num_items() - number) as f64;
            advice(left, text.streams.batch()).into_iter().for_each(say);
        }
    }
    let streams = text.streams;
    let all = streams.between(0..streams.steps());
    let targets = (0..streams.batch()).flat_map(|row| all.targets.row(row));
    let unknown = targets.filter(|symbol| Some(**symbol) == units.unknown());
    Total {
        nats,
        symbols: streams.predicted(),
        unknown: unknown.count(),
        streams: streams.batch(),
        bits_a_nat: text.bits_a_nat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_long_is_told_how_long() {
        assert_eq!(advice(9.0, 1), None);
        let told = advice(95.2, 1).unwrap();
        assert!(
            told.starts_with("about 1:35 to go; --streams N is faster"),
            "{told}"
        );
        assert_eq!(advice(605.0, 4).unwrap(), "about 10:05 to go");
    }
}
