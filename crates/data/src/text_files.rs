//! A text in several files: a folder, read as one.

use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::DataError;
use crate::text::{read_file, unreadable};

/// As a shell has it: `*` ends at a folder, `**` does not.
const AS_IN_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Which files of a folder are read, and what is put between them.
///
/// They are read in the order of their paths. Files and folders whose name starts with a dot are not
/// read, and empty files add nothing. A line break is put after a file that does not end with one.
#[derive(Debug, Clone, Default)]
pub struct TextFiles {
    include: Vec<Pattern>,
    between: String,
}

/// The text of a file or a folder.
#[derive(Debug)]
pub struct FoundText {
    /// The text.
    pub content: String,
    /// Of each file of the folder that is passed over, why: it cannot be read, or is not UTF-8.
    pub skipped: Vec<DataError>,
}

impl FoundText {
    /// The text, if no file was passed over.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that was.
    pub fn whole(self) -> Result<String, DataError> {
        match self.skipped.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.content),
        }
    }
}

impl TextFiles {
    /// All files, with nothing between them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is put between two files.
    #[must_use]
    pub fn with_between(mut self, between: impl Into<String>) -> Self {
        self.between = between.into();
        self
    }

    /// Sets which files are read: those that match at least one of the patterns, or all files if there is no
    /// pattern. `*` matches any part of a name, `?` one character, `[ab]` one of these characters, and `**` any
    /// folders. A pattern without `/` is matched with file names, such as `*.rs`; a pattern with `/` is matched
    /// with paths in the folder, such as `src/**/*.rs`.
    ///
    /// # Errors
    ///
    /// Names a pattern that is none.
    pub fn with_include(
        mut self,
        patterns: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, DataError> {
        let pattern = |pattern: &str| {
            Pattern::new(pattern).map_err(|error| DataError::Invalid {
                what: "a pattern of files",
                expected: "one such as `*.txt` or `src/**/*.rs`".to_string(),
                found: format!("`{pattern}`: {error}"),
            })
        };
        let patterns = patterns.into_iter().map(|one| pattern(one.as_ref()));
        self.include = patterns.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Reads a file, or the files of a folder. In a folder, a file that cannot be read or is no text is passed
    /// over; a file alone is read whatever the patterns are.
    ///
    /// # Errors
    ///
    /// When a file alone, or a folder, cannot be read; when a file alone is not UTF-8; when there is no
    /// text at all.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<FoundText, DataError> {
        let path = path.as_ref();
        let found = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        let (text, nothing) = match found.is_dir() {
            true => {
                let text = self.read_folder(path)?;
                let nothing = self.nothing_in_folder(&text.skipped);
                (text, nothing)
            }
            false => {
                let content = read_file(path)?;
                let skipped = Vec::new();
                let text = FoundText { content, skipped };
                (text, "an empty file".to_string())
            }
        };
        match text.content.is_empty() {
            true => Err(DataError::Empty {
                path: path.to_path_buf(),
                reason: nothing,
            }),
            false => Ok(text),
        }
    }

    fn read_folder(&self, folder: &Path) -> Result<FoundText, DataError> {
        let mut skipped = Vec::new();
        let files = files_below(folder, &mut skipped)?;
        let mut text = String::new();
        for file in files.iter().filter(|file| self.includes(file, folder)) {
            let content = match read_file(file) {
                Ok(content) => content,
                Err(error) => {
                    skipped.push(error);
                    continue;
                }
            };
            if !text.is_empty() && !content.is_empty() {
                text.push_str(&self.between);
            }
            text.push_str(&content);
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        }
        Ok(FoundText {
            content: text,
            skipped,
        })
    }

    fn includes(&self, file: &Path, folder: &Path) -> bool {
        let name = file.file_name().unwrap_or_default();
        let within = file.strip_prefix(folder).unwrap_or(file);
        let fits = |pattern: &Pattern| {
            let of_paths = pattern.as_str().contains(std::path::is_separator);
            let meant = if of_paths { within } else { Path::new(name) };
            pattern.matches_path_with(meant, AS_IN_A_SHELL)
        };
        self.include.is_empty() || self.include.iter().any(fits)
    }

    fn nothing_in_folder(&self, skipped: &[DataError]) -> String {
        let patterns = self.include.iter().map(|one| format!("`{}`", one.as_str()));
        let nothing = match self.include.is_empty() {
            true => "no file with text in this folder".to_string(),
            false => format!(
                "no file with text in this folder is {}",
                patterns.collect::<Vec<_>>().join(" or ")
            ),
        };
        match skipped {
            [] => nothing,
            [first, ..] => format!("{nothing}; {} are none: {first}", skipped.len()),
        }
    }
}

/// The files below a folder, in the order of their names; those that begin with a dot are not among them, and nor is what
/// is no file, such as a pipe. What cannot be looked at goes to `skipped`.
pub(crate) fn files_below(
    folder: &Path,
    skipped: &mut Vec<DataError>,
) -> Result<Vec<PathBuf>, DataError> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(folder, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.path();
        // A link to a folder could lead back to where we are.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match (is_folder, fs::metadata(&path)) {
            (true, _) => match files_below(&path, skipped) {
                Ok(below) => files.extend(below),
                Err(error) => skipped.push(error),
            },
            (false, Ok(found)) if found.is_file() => files.push(path),
            (false, Ok(_)) => {}
            (false, Err(error)) => skipped.push(unreadable(&path, error)),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_paths() {
        let files: [(&str, &[u8]); 5] = [
            ("b.txt", b"two\n"),
            ("a/z.txt", b"one"),
            ("c.txt", "drei \u{1F525}".as_bytes()),
            ("empty", b""),
            (".hidden", b"no"),
        ];
        let folder = folder(&files);
        let read = |files: TextFiles| files.read(folder.path()).unwrap().whole().unwrap();
        assert_eq!(read(TextFiles::new()), "one\ntwo\ndrei \u{1F525}\n");
        assert_eq!(
            read(TextFiles::new().with_between("%")),
            "one\n%two\n%drei \u{1F525}\n"
        );
    }

    #[test]
    fn patterns_are_of_names_or_of_paths() {
        let files: [(&str, &[u8]); 5] = [
            ("a.rs", b"a\n"),
            ("a.rs.txt", b"b\n"),
            ("src/deep/c.rs", b"c\n"),
            ("src/d.rs", b"d\n"),
            ("src/e1.md", b"e\n"),
        ];
        let folder = folder(&files);
        let read = |patterns: &[&str]| {
            let files = TextFiles::new().with_include(patterns).unwrap();
            let found = files.read(folder.path()).unwrap();
            assert!(found.skipped.is_empty());
            found.content.replace('\n', "")
        };
        assert_eq!(read(&[]), "abdce");
        assert_eq!(read(&["*.rs"]), "adc");
        assert_eq!(read(&["*.txt", "?[0-9].md"]), "be");
        assert_eq!(read(&["src/*.rs"]), "d");
        assert_eq!(read(&["src/**/*.rs"]), "dc");
        assert_eq!(read(&["*.rs", "a.*"]), "abdc");
        let error = TextFiles::new().with_include(["src/**.rs"]).unwrap_err();
        assert!(error.to_string().contains("found `src/**.rs`: "), "{error}");
        let none = TextFiles::new().with_include(["*.py", "*.c"]).unwrap();
        let error = none.read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("this folder is `*.py` or `*.c`"), "{error}");
    }

    #[test]
    fn what_is_no_text_is_passed_over_in_a_folder_and_refused_alone() {
        let files: [(&str, &[u8]); 4] = [
            ("a.txt", b"one\n"),
            ("b.bin", b"\x7FELF\xFF\xFE"),
            ("c.txt", b"t\0w\0o\0"),
            ("d.txt", b"three\n"),
        ];
        let folder = folder(&files);
        let files = TextFiles::new().with_between("%");
        let found = files.read(folder.path()).unwrap();
        assert_eq!(found.content, "one\n%three\n");
        let skipped: Vec<String> = found.skipped.iter().map(DataError::to_string).collect();
        assert!(
            skipped[0]
                .ends_with("b.bin: expected UTF-8 text, found the byte 0xff at offset 4 (line 1)")
        );
        assert!(skipped[1].contains("c.txt: expected UTF-8 text, found what looks like UTF-16"));
        assert_eq!(skipped.len(), 2);
        let error = found.whole().unwrap_err().to_string();
        assert_eq!(error, skipped[0]);
        let error = files.read(folder.path().join("b.bin")).unwrap_err();
        assert_eq!(error.to_string(), skipped[0]);
        // What is not asked for is not looked at.
        let files = files.with_include(["*.bin"]).unwrap();
        let error = files.read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is `*.bin`; 1 are none: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_leads_nowhere_is_passed_over() {
        let folder = folder(&[("a.txt", b"one\n")]);
        std::os::unix::fs::symlink("/nowhere", folder.path().join("b.txt")).unwrap();
        let found = TextFiles::new().read(folder.path()).unwrap();
        assert_eq!((found.content.as_str(), found.skipped.len()), ("one\n", 1));
        assert!(found.skipped[0].to_string().contains("b.txt: "));
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let folder = folder(&[("empty", b"")]);
        let read = |path: &Path| TextFiles::new().read(path).unwrap_err().to_string();
        assert!(read(&folder.path().join("empty")).ends_with("found none: an empty file"));
        assert!(read(folder.path()).ends_with("no file with text in this folder"));
        assert!(read(&folder.path().join("missing")).starts_with("cannot read "));
    }
}
