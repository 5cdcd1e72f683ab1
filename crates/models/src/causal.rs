//! Models that foresee may not look ahead.

use backdraft_cells::{Direction, Error, Layer};

/// Refuses a layer that reads what is to be foreseen.
pub(crate) fn runs_forward<L: Layer>(model: &str, what: &str, layer: &L) -> Result<(), Error> {
    let direction = layer.direction();
    if direction == Some(Direction::Forward) {
        return Ok(());
    }
    let found = direction.map_or("both".to_string(), |one| format!("{one:?}"));
    let what = format!("direction of the {what}");
    Err(Error::new(model, what, "Forward", found))
}
