//! What is asked of a transcription, beside layers and training.

use backdraft_data::MfccConfig;
use serde::{Deserialize, Serialize};

use crate::settings::check::require;
use crate::tasks::sequences::Ways;
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// What is asked of a transcription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Transcription")]
pub struct TranscribeOptions {
    /// What the classes of the arrays are written as, in their order: zero,one,two ..
    #[arg(long, value_name = "TEXT,..", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Frames that are read as one step
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub stacking: usize,
    /// The column of the files in a list of WAV files [default: the first]
    #[arg(long, value_name = "NAME")]
    pub file_column: Option<String>,
    /// The column of what is said in a list of WAV files [default: the next]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Milliseconds of a frame of a WAV file
    #[arg(long, value_name = "MS", default_value_t = 25.0)]
    pub frame_ms: f64,
    /// Milliseconds from frame to frame
    #[arg(long, value_name = "MS", default_value_t = 10.0)]
    pub step_ms: f64,
    /// Filters that a WAV file is heard through
    #[arg(long, value_name = "N", default_value_t = 26)]
    pub filters: usize,
    /// Mel-frequency cepstral coefficients of a frame
    #[arg(long, value_name = "N", default_value_t = 13)]
    pub coefficients: usize,
    /// Beside them: 1 for how fast they change, 2 for how fast that does, too
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub deltas: usize,
    /// Which ways the layers read
    #[arg(long, value_enum, default_value_t)]
    pub ways: Ways,
    /// Beginnings that are kept at each step; 1 takes the likeliest symbol each time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub beam: usize,
}

impl TranscribeOptions {
    /// What makes frames of a WAV file.
    pub(super) fn mfcc(&self) -> MfccConfig {
        MfccConfig {
            frame_ms: self.frame_ms,
            step_ms: self.step_ms,
            ..MfccConfig::default()
        }
        .with_filters(self.filters)
        .with_coefficients(self.coefficients)
        .with_deltas(self.deltas)
    }
}

impl Default for TranscribeOptions {
    fn default() -> Self {
        let mfcc = MfccConfig::default();
        Self {
            names: Vec::new(),
            stacking: 1,
            file_column: None,
            text_column: None,
            frame_ms: mfcc.frame_ms,
            step_ms: mfcc.step_ms,
            filters: mfcc.filters,
            coefficients: mfcc.coefficients,
            deltas: mfcc.deltas,
            ways: Ways::default(),
            beam: 8,
        }
    }
}

impl TaskOptions for TranscribeOptions {
    const TASK: &'static str = "transcribe";

    fn full() -> Self {
        Self {
            file_column: Some(String::new()),
            text_column: Some(String::new()),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 96,
            layers: 2,
            dropout: 0.2,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            epochs: Some(30),
            lr: 3e-3,
            valid_fraction: 0.2,
            ..Training::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (what, count) in [
            ("the frames of a step", self.stacking),
            ("the filters", self.filters),
            ("the coefficients", self.coefficients),
            ("the width of the beam", self.beam),
        ] {
            require(what, "at least 1", count, count > 0)?;
        }
        Ok(())
    }
}
