//! Pictures, and pages of them: what is drawn with, whatever of.

pub(crate) mod canvas;
pub(crate) mod chart;
pub(crate) mod fan;
pub(crate) mod heat_map;
pub(crate) mod hint;
pub(crate) mod html;
mod inside;
pub(crate) mod mark;
pub(crate) mod page;
pub(crate) mod png;
mod section;

pub use inside::Inside;
pub use section::{Picture, Section};
