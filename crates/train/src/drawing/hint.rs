//! What a picture tells where it is pointed at: a number, in a tip that browsers show without any script.

use super::html::escape;

/// Pixels around a point at which it is told.
const REACH: f64 = 6.0;

/// An invisible spot with a tip.
pub(crate) fn hint([x, y]: [f64; 2], told: &str) -> String {
    let told = escape(told);
    format!(
        "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"{REACH}\" fill-opacity=\"0\"><title>{told}</title></circle>"
    )
}
