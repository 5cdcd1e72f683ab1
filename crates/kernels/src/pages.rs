//! What a program that trains tells its allocator.

use std::ffi::c_long;

/// `mi_option_purge_delay` of mimalloc's `mimalloc.h`, versions 2 and 3.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Never.
const NEVER: c_long = -1;

/// Tells mimalloc to keep freed memory instead of returning it to the system. For programs whose global allocator is
/// mimalloc; call it before anything else.
///
/// A step of training asks for the same large buffers as the one before it. mimalloc gives them back to
/// the system after a hundredth of a second, and each page comes again cleared, in a trap of its own:
/// for a language model of two LSTMs of 512 units a twentieth of the processor's time, 60,000 traps in
/// twelve steps instead of 1,000. The program then never needs less memory than it once needed.
///
/// `MIMALLOC_PURGE_DELAY` in the environment, if it is set, counts more.
pub fn keep_pages() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_some() {
        return;
    }
    // SAFETY: the option is one that this mimalloc has, since its version comes with the binding; and
    // no other thread sets options, since there is no other way to it in this tree.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, NEVER) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stay_once_that_is_said() {
        // SAFETY: as above.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        let before = delay();
        assert!(
            before >= 0,
            "mimalloc's own is some milliseconds, not {before}"
        );
        keep_pages();
        assert_eq!(delay(), NEVER);
    }
}
