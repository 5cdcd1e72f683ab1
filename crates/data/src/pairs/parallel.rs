//! Pairs from two files, line by line: the source on a line of one, its target on the same line of the other.

use std::path::Path;

use super::Pair;
use crate::DataError;
use crate::text::read_file;

/// Reads a source from each line of a file, and its target from the same line of another; without one, targets are not
/// known and empty. Empty lines are kept, so that there is a pair for each line. White space around a text is none of it.
///
/// # Errors
///
/// When a file cannot be read or is no UTF-8 text, or one has more lines than the other.
pub fn read_parallel(sources: &Path, targets: Option<&Path>) -> Result<Vec<Pair>, DataError> {
    let source = lines(sources)?;
    let target = match targets {
        Some(targets) => lines(targets)?,
        None => vec![String::new(); source.len()],
    };
    if source.len() != target.len() {
        return Err(DataError::OtherLines {
            path: targets.unwrap_or(sources).to_path_buf(),
            expected: source.len(),
            found: target.len(),
            other: sources.to_path_buf(),
        });
    }
    let pairs = source.into_iter().zip(target);
    Ok(pairs
        .map(|(source, target)| Pair { source, target })
        .collect())
}

fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    let text = read_file(path)?;
    Ok(text.lines().map(|line| line.trim().to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let english = file("all.en", "\u{FEFF}the dog\r\n\r\n a cat\n");
        let spanish = file("all.es", "el perro\n\nun gato");
        let pair = |source: &str, target: &str| Pair {
            source: source.to_string(),
            target: target.to_string(),
        };
        let expected = [
            pair("the dog", "el perro"),
            pair("", ""),
            pair("a cat", "un gato"),
        ];
        assert_eq!(read_parallel(&english, Some(&spanish)).unwrap(), expected);
        let alone = read_parallel(&english, None).unwrap();
        assert_eq!(alone[2], pair("a cat", ""));

        let short = file("all.fr", "le chien\n");
        let error = read_parallel(&english, Some(&short))
            .unwrap_err()
            .to_string();
        let expected = format!(
            "{}: expected 3 lines, as {} has, found 1",
            short.display(),
            english.display()
        );
        assert_eq!(error, expected);
        assert!(read_parallel(&english, Some(&folder.path().join("all.de"))).is_err());
    }
}
