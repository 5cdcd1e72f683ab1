//! Ctrl-C: once to leave when the step is done and saved, twice to leave now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// What the shell takes for "ended by Ctrl-C".
pub(crate) const EXIT_CODE: u8 = 130;

static LEAVES: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Whether the user wants to leave; never becomes true in a program that does not
/// [`listen`].
pub(crate) fn wanted() -> Arc<AtomicBool> {
    LEAVES.clone()
}

/// Takes Ctrl-C, from now on.
pub(crate) fn listen() {
    let listening = ctrlc::set_handler(|| {
        if LEAVES.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_CODE));
        }
        eprintln!("\nfinishing this step and saving; Ctrl-C again leaves at once");
    });
    if let Err(error) = listening {
        // Ctrl-C then does what it always does.
        eprintln!("note: Ctrl-C will not save the training: {error}");
    }
}
