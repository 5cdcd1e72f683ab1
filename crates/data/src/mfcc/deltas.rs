//! How coefficients change from frame to frame.
//!
//! ```text
//! d_t = sum_{j = 1, 2} j (c_{t+j} - c_{t-j}) / 10
//! ```
//!
//! The first and the last frame stay on before and after the sound: as HTK has them, and librosa's
//! `delta(c, width=5, mode="nearest")`.

/// `d` of each frame.
pub(super) fn deltas(frames: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let last = frames.len().saturating_sub(1);
    let change = |t: usize, i: usize| {
        let by = |j: usize| frames[(t + j).min(last)][i] - frames[t.saturating_sub(j)][i];
        (by(1) + 2.0 * by(2)) / 10.0
    };
    let of = |t: usize| (0..frames[t].len()).map(|i| change(t, i)).collect();
    (0..frames.len()).map(of).collect()
}
