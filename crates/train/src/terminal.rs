//! A terminal that a dashboard has: what else is said in it, and how it is given back.

use std::io::stdout;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{MoveTo, Show};
use crossterm::event::DisableMouseCapture;
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{LeaveAlternateScreen, disable_raw_mode, size};

/// Whether a dashboard has it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A dashboard takes it, or has given it back.
pub(crate) fn taken(is_taken: bool) {
    TAKEN.store(is_taken, Ordering::Relaxed);
}

/// Writes a line at the bottom of the terminal, if a dashboard has it.
pub(crate) fn tell(line: &str) -> bool {
    let is_taken = TAKEN.load(Ordering::Relaxed);
    if is_taken {
        let (_, rows) = size().unwrap_or((80, 24));
        let bottom = MoveTo(0, rows.saturating_sub(1));
        execute!(stdout(), bottom, Print(line)).ok();
    }
    is_taken
}

/// Gives the terminal back as it was, if a dashboard has it.
pub(crate) fn restore() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        // A terminal that is gone needs nothing.
        execute!(stdout(), DisableMouseCapture, LeaveAlternateScreen, Show).ok();
        disable_raw_mode().ok();
    }
}
