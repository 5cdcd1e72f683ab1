//! Pictures, and pages of them: what is drawn with, whatever of.

pub(crate) mod chart;
pub(crate) mod fan;
pub(crate) mod heat_map;
pub(crate) mod html;
pub(crate) mod mark;
pub(crate) mod picture;
mod section;

pub use section::{Figure, Section};
