//! What is asked of a transcription, beside layers and training.

use std::path::{Path, PathBuf};

use backdraft_data::{LabelColumns, MfccConfig};
use backdraft_models::CtcDecoding;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::reading::files_of_list;
use crate::bounds::{beam, features, require};
use crate::tasks::Idle;
use crate::tasks::sequences::{Ways, is_arrays};
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// By which definitions frames of a WAV file become mel-frequency cepstral coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureKind {
    /// The usual ones: pre-emphasis, Hamming window, HTK's mel scale, natural logarithm
    #[default]
    Htk,
    /// As in librosa: centred frames, Hann window, Slaney's mel scale, decibels
    Librosa,
}

/// What is asked of a transcription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct TranscribeOptions {
    /// Texts of the classes of the arrays, in their order: zero,one,two ..
    #[arg(long, value_name = "TEXT,..", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Frames to stack into one step
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Model")]
    pub stacking: usize,
    /// Column of the file names in a list of WAV files [default: the first]
    #[arg(long, value_name = "NAME")]
    pub file_column: Option<String>,
    /// Column of the transcripts in a list of WAV files [default: the next]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Definition of the mel-frequency cepstral coefficients of a WAV file
    #[arg(long, value_enum, default_value_t)]
    pub features: FeatureKind,
    /// Length of a frame of a WAV file, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 25.0)]
    pub frame_ms: f64,
    /// Step from one frame to the next, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10.0)]
    pub step_ms: f64,
    /// Number of mel filters
    #[arg(long, value_name = "N", default_value_t = 26)]
    pub filters: usize,
    /// Mel-frequency cepstral coefficients of each frame
    #[arg(long, value_name = "N", default_value_t = 13)]
    pub coefficients: usize,
    /// Derivatives of the coefficients: 0, 1 for the first, 2 for the second too
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub deltas: usize,
    /// Directions that the layers read in
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub ways: Ways,
    /// Width of the beam search; 1 for a greedy search
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Decoding")]
    pub beam: usize,
}

impl TranscribeOptions {
    /// How labels are found.
    pub(super) fn decoding(&self) -> CtcDecoding {
        CtcDecoding::of_width(self.beam)
    }

    /// Which columns of a list are the files and the transcripts.
    pub(super) fn columns(&self) -> LabelColumns {
        LabelColumns {
            label: self.file_column.clone(),
            text: self.text_column.clone(),
        }
    }

    /// What makes frames of a WAV file.
    pub(super) fn mfcc(&self) -> MfccConfig {
        let definitions = match self.features {
            FeatureKind::Htk => MfccConfig::new(),
            FeatureKind::Librosa => MfccConfig::new().with_librosa_definitions(),
        };
        MfccConfig {
            frame_ms: self.frame_ms,
            step_ms: self.step_ms,
            ..definitions
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
            features: FeatureKind::default(),
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
    const KEPT: &'static [&'static str] = &[
        "features",
        "frame_ms",
        "step_ms",
        "filters",
        "coefficients",
        "deltas",
    ];
    const SHAPING: &'static [&'static str] = &["stacking", "ways"];

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

    fn check(&self, _recurrence: &Recurrence) -> Result<(), TrainError> {
        features([
            ("stacking", self.stacking),
            ("filters", self.filters),
            ("coefficients", self.coefficients),
        ])?;
        beam(self.beam)?;
        let is_name = |name: &String| !name.trim().is_empty();
        let expected = "a name between two commas";
        require("names", expected, "none", self.names.iter().all(is_name))?;
        let (kept, filters) = (self.coefficients, self.filters);
        let expected = format!("at most {filters}, as there are filters");
        require("coefficients", &expected, kept, kept <= filters)?;
        require("deltas", "at most 2", self.deltas, self.deltas <= 2)?;
        for (setting, length) in [("frame_ms", self.frame_ms), ("step_ms", self.step_ms)] {
            let holds = length > 0.0 && length <= 1000.0;
            require(setting, "above 0 and at most 1000", length, holds)?;
        }
        Ok(())
    }

    fn beside(&self, data: &Path) -> Vec<PathBuf> {
        files_of_list(data, self)
    }

    fn idle(&self, data: &Path) -> Vec<Idle> {
        let of_sounds = Self::KEPT.iter().copied();
        let of_sounds = of_sounds.chain(["file_column", "text_column"]);
        let mut idle = match is_arrays(data) {
            true => of_sounds.map(|setting| (setting, "WAV files")).collect(),
            false => vec![("names", "arrays, whose classes are numbers")],
        };
        idle.push(("embedding", "symbols, where this task reads vectors"));
        idle
    }
}
