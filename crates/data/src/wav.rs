//! Sound from WAV files.

use std::path::Path;

use hound::{Error, SampleFormat, WavReader};

use crate::DataError;

/// Sound of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// The samples, from -1 to 1.
    pub samples: Vec<f32>,
}

/// Reads a WAV file: integers of 8 to 32 bits or floats of 32; the mean of all channels.
///
/// # Errors
///
/// When it cannot be read, is no such file, ends before it should, or has a sample that is no finite number.
pub fn read_wav(path: impl AsRef<Path>) -> Result<Sound, DataError> {
    let path = path.as_ref();
    let unreadable = |error| match error {
        Error::IoError(error) => DataError::Unreadable {
            path: path.to_path_buf(),
            error,
        },
        error => DataError::Invalid {
            what: "sound",
            expected: "a WAV file of integers of 8 to 32 bits or of floats".to_string(),
            found: format!("{}: {error}", path.display()),
        },
    };
    let mut reader = WavReader::open(path).map_err(unreadable)?;
    let spec = reader.spec();
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let full = 2_f32.powi(i32::from(spec.bits_per_sample) - 1);
            let samples = reader.samples::<i32>();
            samples.map(|sample| Ok(sample? as f32 / full)).collect()
        }
    };
    let channels = usize::from(spec.channels.max(1));
    let samples = samples.map_err(unreadable)?;
    if let Some(sample) = samples.iter().position(|sample| !sample.is_finite()) {
        return Err(DataError::Invalid {
            what: "sound",
            expected: "samples that are finite numbers".to_string(),
            found: format!("{}: {} at sample {sample}", path.display(), samples[sample]),
        });
    }
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
    Ok(Sound {
        rate: spec.sample_rate,
        samples: samples.chunks_exact(channels).map(mean).collect(),
    })
}
