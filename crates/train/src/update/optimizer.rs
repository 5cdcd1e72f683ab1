//! What takes the steps: Burn's optimisers, with what they lack.

mod adam;
mod decayed;

pub use adam::FusedAdam;
pub use decayed::Decayed;
