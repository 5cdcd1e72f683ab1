//! Where a run comes from: its data, the version that made it, the run that its weights are from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the data of a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file or a folder, which `data` names.
    File,
    /// The source of Burn, on the machine that built the program.
    Burn,
    /// A program that called this library.
    Caller,
}

/// What the program adds to the description of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of this program.
    pub backdraft: String,
    /// Where the data came from; `data` alone does not tell the source of Burn from a caller's text.
    pub origin: Origin,
    /// The data, as it is called.
    pub text: String,
    /// Its checksum.
    pub sha256: String,
    /// That of the file that is held out, if there is one.
    pub valid_sha256: Option<String>,
    /// Characters of a text that are learned.
    pub characters: Option<usize>,
    /// Examples of other data that are learned.
    pub examples: Option<usize>,
    /// The run that its weights are from, if they were not drawn.
    pub from: Option<OriginRun>,
}

/// The run that a training began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginRun {
    /// Its folder, as it was then.
    pub run: PathBuf,
    /// The checksum of its weights.
    pub sha256: String,
}

/// That a newer program wrote something.
pub(super) fn written_by(version: &str) -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!("it was written by backdraft {version}, which is newer than this one, {own}")
}

/// Whether a version is newer than this program's.
pub(super) fn is_newer(version: &str) -> bool {
    let parts = |version: &str| {
        let numbers = version
            .split(['.', '-', '+'])
            .map_while(|part| part.parse().ok());
        numbers.collect::<Vec<u64>>()
    };
    parts(version) > parts(env!("CARGO_PKG_VERSION"))
}
