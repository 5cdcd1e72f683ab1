//! Medians and means of what was measured.

/// The middle value; the mean of the two in the middle when there is an even number.
///
/// # Panics
///
/// Without values.
pub fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the median of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

/// A quarter of the values is below the first, a quarter above the second; in between, straight
/// lines from value to value.
///
/// # Panics
///
/// Without values.
pub fn quartiles(values: &[f64]) -> [f64; 2] {
    assert!(!values.is_empty(), "the quartiles of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.25, 0.75].map(|part| {
        let position = part * (sorted.len() - 1) as f64;
        let below = position.floor() as usize;
        let above = position.ceil() as usize;
        sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
    })
}

/// How many times as fast the first of each pair is as the second: `theirs / ours`, in
/// milliseconds.
///
/// # Panics
///
/// When one has no partner.
pub fn pairwise_ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    assert_eq!(ours.len(), theirs.len(), "each turn has its partner");
    let pairs = ours.iter().zip(theirs);
    pairs.map(|(ours, theirs)| theirs / ours).collect()
}

/// The n-th root of the product of n values.
///
/// # Panics
///
/// Without values.
pub fn geometric_mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (sum / values.len() as f64).exp()
}
