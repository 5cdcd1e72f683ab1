//! Hidden Markov models against every sequence of states, against hmmlearn, and in use.

mod against_hmmlearn;
mod differentiable;
mod drawing;
mod enumeration;
mod gradients;
mod learning;
mod long_and_stored;
mod models;
mod prediction;
mod refusals;
mod tagging;

/// Asserts that numbers are the same, but for `tolerance` of them or of 1.
#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(close, "{what}: {found} against {expected}");
    }
}
