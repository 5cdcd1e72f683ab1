//! What was measured, for people and for programs.

pub(crate) mod drawing;
pub(crate) mod table;

use crate::BenchError;

/// What a command measured.
pub trait Report {
    /// As text, in columns.
    fn table(&self) -> String;

    /// As one JSON object.
    fn json(&self) -> serde_json::Value;

    /// As a picture.
    ///
    /// # Errors
    ///
    /// When it cannot be drawn.
    fn svg(&self) -> Result<String, BenchError>;
}
