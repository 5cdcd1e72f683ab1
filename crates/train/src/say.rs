//! What is said to a person on standard error.
//!
//! A terminal that was closed, a full disk behind a log file, a pipe that nobody reads: none of them
//! is a reason to end a training, so what cannot be said is not.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Says a line.
pub(crate) fn say(line: impl Display) {
    // What is said may have the name of a file in it, or a sample: nothing for a terminal to obey. And in one
    // write, as several threads may say something.
    let line = format!("{line}\n");
    let line = printable(&line);
    match aside().as_mut() {
        Some(kept) => kept.write_all(line.as_bytes()),
        None => std::io::stderr().write_all(line.as_bytes()),
    }
    .ok();
}

/// So many of something, as a sentence has it: `1 step`, `2 steps`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// The choice among these, as a sentence has it: `a, b or c`.
pub(crate) fn either(all: &[String]) -> String {
    listed(all, "or")
}

/// All of these, as a sentence has it: `a, b and c`.
pub(crate) fn all_of(all: &[String]) -> String {
    listed(all, "and")
}

fn listed(all: &[String], word: &str) -> String {
    match all {
        [] => "nothing".to_string(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} {word} {last}", some.join(", ")),
    }
}

/// A text without what moves a cursor or changes a colour: of the control characters, line breaks and tabs
/// alone stay as they are.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_command = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let characters = text.chars().map(|character| match is_command(character) {
        true => character.escape_debug().to_string(),
        false => character.to_string(),
    });
    Cow::Owned(characters.collect())
}

/// Standard error, while it is put aside.
static ASIDE: Mutex<Option<File>> = Mutex::new(None);

fn aside() -> MutexGuard<'static, Option<File>> {
    ASIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard error put aside while something else has the terminal: nobody but [`say`] reaches it.
///
/// What others write there would stand in the middle of a dashboard; and `eprintln!`, with which some of them
/// do, panics where the terminal is gone, in a destructor too, which ends the program.
#[derive(Debug)]
pub(crate) struct Aside(());

impl Aside {
    /// Puts it aside, until this is dropped.
    pub(crate) fn new() -> Self {
        *aside() = descriptor::replace();
        Self(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(kept) = aside().take() {
            descriptor::restore(kept);
        }
    }
}

#[cfg(unix)]
mod descriptor {
    use std::fs::File;

    use rustix::io::dup;
    use rustix::stdio::{dup2_stderr, stderr};

    /// Nothing in the place of standard error, which is kept.
    pub(super) fn replace() -> Option<File> {
        let kept = dup(stderr()).ok()?;
        let nothing = File::options().write(true).open("/dev/null").ok()?;
        dup2_stderr(nothing).ok()?;
        Some(File::from(kept))
    }

    pub(super) fn restore(kept: File) {
        dup2_stderr(kept).ok();
    }
}

#[cfg(not(unix))]
mod descriptor {
    use std::fs::File;

    pub(super) fn replace() -> Option<File> {
        None
    }

    pub(super) fn restore(_: File) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_can_be_read() {
        assert_eq!(printable("a\tb\n\u{1F525}"), "a\tb\n\u{1F525}");
        assert_eq!(
            printable("\u{1b}[2J\r\u{9b}1m\u{7}"),
            "\\u{1b}[2J\\r\\u{9b}1m\\u{7}"
        );
    }
}
