//! What a model says of an example, and how that is written.

use serde_json::json;

/// What a model says of an example: values by name.
#[derive(Debug, Clone, Default)]
pub struct Answer(pub Vec<(&'static str, serde_json::Value)>);

impl Answer {
    /// What was found, the best first, with its score and `ln p`; the best alone, without them, unless
    /// all are asked for.
    pub(super) fn ranked(
        name: &'static str,
        found: impl Iterator<Item = (String, (f64, f64))>,
        are_all_asked_for: bool,
    ) -> Self {
        if !are_all_asked_for {
            let best = found.take(1).map(|(text, _)| text);
            return Self(vec![(name, json!(best.collect::<String>()))]);
        }
        let (texts, scores): (Vec<String>, Vec<(f64, f64)>) = found.unzip();
        let (scores, log_p): (Vec<f64>, Vec<f64>) = scores.into_iter().unzip();
        Self(vec![
            (name, json!(texts)),
            ("score", json!(scores)),
            ("log_p", json!(log_p)),
        ])
    }

    /// As a line of a table.
    pub fn to_tsv(&self) -> String {
        let cells = self.0.iter().map(|(_, value)| cell(value));
        cells.collect::<Vec<_>>().join("\t")
    }

    /// The names of the columns of a table with a row for each step, of lists with a value for each.
    pub fn columns(&self) -> String {
        let names = self.0.iter().map(|(name, _)| match *name {
            "times" => "time",
            name => name,
        });
        csv_line(names.map(str::to_string))
    }

    /// A row for each step; what is no list is the same in each.
    pub fn by_step(&self) -> Vec<String> {
        self.rows()
            .map(|cells| csv_line(cells.into_iter()))
            .collect()
    }

    /// A line for each of several answers, best first, of lists with a value for each; an empty line if there is none.
    pub fn by_rank(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.rows().map(|cells| cells.join("\t")).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    /// The cells of the table that lists make; what is no list is the same in each row.
    fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        let lists = self.0.iter().filter_map(|(_, value)| value.as_array());
        let rows = lists.map(Vec::len).max().unwrap_or(0);
        let row = |row: usize| {
            let cells = self.0.iter().map(|(_, value)| match value {
                serde_json::Value::Array(all) => all.get(row).map_or_else(String::new, cell),
                value => cell(value),
            });
            cells.collect()
        };
        (0..rows).map(row)
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

/// Cells with commas between them, and quotes around those that need them; without the end of the line.
fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(cells).expect("memory takes all");
    let line = line.into_inner().expect("memory takes all");
    let line = String::from_utf8(line).expect("cells are text");
    line.trim_end_matches('\n').to_string()
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
