//! A wish to leave: Ctrl-C, a closed terminal, the system's wish. Once to leave when the step is done and
//! saved, twice to leave now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use crate::say::say;
use crate::terminal;

/// What the shell takes for "ended by Ctrl-C".
pub(crate) const EXIT_CODE: u8 = 130;

static LEAVES: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Whether the user wants to leave; never becomes true in a program that does not
/// [`listen`].
pub(crate) fn wanted() -> Arc<AtomicBool> {
    LEAVES.clone()
}

/// Takes the wish, from now on.
pub(crate) fn listen() {
    if let Err(error) = signals::listen() {
        // Ctrl-C then does what it always does.
        say(format_args!(
            "note: Ctrl-C will not save the training: {error}"
        ));
    }
}

/// Once more, or for the first time.
fn wish() {
    if LEAVES.swap(true, Ordering::Relaxed) {
        leave();
    }
    const TOLD: &str = "finishing this step and saving; Ctrl-C again leaves at once";
    if !terminal::tell(TOLD) {
        say(format_args!("\n{TOLD}"));
    }
}

/// Leaves now, and the terminal as it was.
pub(crate) fn leave() -> ! {
    terminal::restore();
    std::process::exit(i32::from(EXIT_CODE))
}

#[cfg(unix)]
mod signals {
    use std::io;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub(super) fn listen() -> io::Result<()> {
        let mut heard = vec![SIGINT, SIGTERM];
        // `nohup` has a program ignore that its terminal is closed.
        heard.extend(Some(SIGHUP).filter(|signal| !is_ignored(*signal)));
        let mut signals = Signals::new(heard)?;
        thread::Builder::new()
            .name("signals".to_string())
            .spawn(move || signals.forever().for_each(|_| super::wish()))?;
        Ok(())
    }

    /// Whether this program ignored a signal from its start. Linux alone tells it without unsafe code;
    /// elsewhere it did not.
    fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0);
        mask >> (signal - 1) & 1 == 1
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn listen() -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(super::wish)
    }
}
