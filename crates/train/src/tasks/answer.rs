//! What a model says of an example, and how that is written.

use serde_json::json;

/// What a model says of an example: values by name.
#[derive(Debug, Clone, Default)]
pub struct Answer(pub Vec<(&'static str, serde_json::Value)>);

impl Answer {
    /// As a line of a table.
    pub fn to_tsv(&self) -> String {
        let cells = self.0.iter().map(|(_, value)| cell(value));
        cells.collect::<Vec<_>>().join("\t")
    }

    /// As a line of JSON.
    pub fn to_json(&self) -> String {
        let values = self.0.iter().cloned();
        let object: serde_json::Map<_, _> = values
            .map(|(name, value)| (name.to_string(), value))
            .collect();
        serde_json::Value::Object(object).to_string()
    }
}

/// A number between 0 and 1 as it is told: with four digits.
pub(super) fn rounded(probability: f64) -> serde_json::Value {
    json!((probability * 1e4).round() / 1e4)
}

/// A value in a table: of a list, its values with spaces between them.
fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.replace(['\t', '\n', '\r'], " "),
        serde_json::Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
