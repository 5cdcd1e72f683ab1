//! What depends on the random numbers of a seeded device: they are those of the whole process, so each
//! test here holds `support::alone()`, and those that draw numbers that do not matter are a program apart.

mod initial;
mod masks;
mod memory;
mod recomputed;
mod regularizers;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod weight_norm;
mod zoneout;
