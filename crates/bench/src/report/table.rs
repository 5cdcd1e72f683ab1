//! Text in columns.

/// Columns under their headings: words to the left, numbers to the right.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(ToString::to_string).collect();
    let lines: Vec<&Vec<String>> = [&headings].into_iter().chain(rows).collect();
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let is_number = |text: &str| text == NOTHING || text.parse::<f64>().is_ok();
    let numeric =
        |column: usize| !rows.is_empty() && rows.iter().all(|row| is_number(&row[column]));
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            match numeric(column) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What stands where there is no number.
const NOTHING: &str = "-";

/// A number in three or four digits.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 0.1 || small == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// A number, if there is one.
pub(crate) fn digits_or_nothing(value: Option<f64>) -> String {
    value.map_or(NOTHING.to_string(), digits)
}
