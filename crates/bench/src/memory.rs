//! Bytes that are allocated at this moment.

use std::sync::OnceLock;

static COUNTER: OnceLock<fn() -> usize> = OnceLock::new();

/// Says how to count the bytes that this process has allocated and not freed: what a program with
/// a counting global allocator, as `backdraft-bench` is, does first. Once said, it stays.
pub fn count_bytes_with(counter: fn() -> usize) {
    COUNTER.get_or_init(|| counter);
}

/// Bytes that this process has allocated and not freed, or `None` where nobody counts.
pub fn live_bytes() -> Option<usize> {
    COUNTER.get().map(|counter| counter())
}
