//! A folder with a text and the runs of a test, and what a run folder has in it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{succeeded, text};

/// A folder with a text in it, which goes with what was written there.
pub struct Folder {
    folder: tempfile::TempDir,
    pub text: String,
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = text(folder.path()).to_str().unwrap().to_string();
        Self { folder, text }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a run, which may not be there yet.
    pub fn run(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_string()
    }
}

/// What a run says of itself.
pub fn state(run: &str) -> Value {
    let state = fs::read(Path::new(run).join("state.json")).unwrap();
    serde_json::from_slice(&state).unwrap()
}

/// The weights of a run, by name and number alone.
#[track_caller]
pub fn weights(run: &str) -> Vec<u8> {
    let file = format!("{run}.safetensors");
    succeeded(&["export", run, &file, "--force"]);
    fs::read(file).unwrap()
}

/// The checkpoints of a run, the last at the end; none where nothing was saved yet.
pub fn checkpoints(run: &str) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(Path::new(run).join("checkpoints")) else {
        return Vec::new();
    };
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = paths.filter(|path| steps(path).is_some()).collect();
    all.sort();
    all
}

/// After how many steps a run was saved last.
pub fn last_saved(run: &str) -> Option<usize> {
    checkpoints(run).last().and_then(|path| steps(path))
}

fn steps(checkpoint: &Path) -> Option<usize> {
    let name = checkpoint.file_name()?.to_str()?;
    name.strip_prefix("step-")?.parse().ok()
}
