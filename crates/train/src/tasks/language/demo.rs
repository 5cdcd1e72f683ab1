//! The text that `train lm` learns without being given any: the Rust source of Burn itself, which
//! cargo has put on the machine to build this program.
//!
//! The crates are a fixed list, which every build of this program fetches, in a fixed order: the
//! same bytes for everyone who has the same `Cargo.lock`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use backdraft_data::TextFiles;

use crate::TrainError;

/// The version of Burn that `Cargo.lock` holds.
const VERSION: &str = "0.22.1";

const CRATES: [&str; 11] = [
    "core", "tensor", "nn", "autodiff", "backend", "optim", "train", "flex", "std", "ir", "derive",
];

/// The Rust source of Burn, about 6 MB, with `between` between its crates and their files.
///
/// # Errors
///
/// When it is not where cargo puts it.
pub fn burn_source(between: &str) -> Result<String, TrainError> {
    let missing = |reason: String| TrainError::NoDemo {
        version: VERSION,
        reason,
    };
    let home = cargo_home().ok_or_else(|| missing("no home folder".to_string()))?;
    source_below(&home.join("registry").join("src"), between).map_err(missing)
}

fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    set.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

/// Cargo keeps one folder a registry; the first that has all crates is taken.
fn source_below(registries: &Path, between: &str) -> Result<String, String> {
    let folders = |registry: &Path| {
        CRATES.map(|name| registry.join(format!("burn-{name}-{VERSION}")).join("src"))
    };
    let mut found: Vec<PathBuf> = fs::read_dir(registries)
        .map_err(|error| format!("{}: {error}", registries.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|registry| folders(registry).iter().all(|folder| folder.is_dir()))
        .collect();
    found.sort();
    let registry = found.first().ok_or_else(|| {
        format!(
            "no folder in {} has all of its crates",
            registries.display()
        )
    })?;
    let files = TextFiles::new()
        .with_between(between)
        .with_include(["*.rs"]);
    let files = files.expect("a pattern of files");
    let texts = folders(registry).map(|folder| files.read(folder)?.whole());
    let texts: Result<Vec<String>, _> = texts.into_iter().collect();
    Ok(texts.map_err(|error| error.to_string())?.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!("../../../../../Cargo.lock");
        for name in CRATES {
            let entry = format!("name = \"burn-{name}\"\nversion = \"{VERSION}\"\n");
            assert!(
                lock.contains(&entry),
                "burn-{name} {VERSION} is not in Cargo.lock"
            );
        }
    }

    #[test]
    fn the_crates_are_read_in_their_order_and_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let error = source_below(folder.path(), "").unwrap_err();
        assert!(error.contains("has all of its crates"), "{error}");
        for name in CRATES {
            let source = folder
                .path()
                .join(format!("mirror/burn-{name}-{VERSION}/src"));
            fs::create_dir_all(&source).unwrap();
            fs::write(source.join("lib.rs"), format!("// {name}\n")).unwrap();
        }
        let expected: String = CRATES.map(|name| format!("// {name}\n")).concat();
        assert_eq!(source_below(folder.path(), "").unwrap(), expected);
    }
}
