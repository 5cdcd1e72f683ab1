//! Texts with their labels, a row each, from tables.
//!
//! ```text
//! label <tab> text              the names of the columns come first
//! positive <tab> a delight
//! ```

use std::path::Path;

use crate::line::{is_unclosed, line_of};
use crate::text::read_file;
use crate::{DataError, Place};

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledText {
    /// What it is, if that is known.
    pub label: Option<String>,
    /// The text.
    pub text: String,
    /// Where it is from.
    pub place: Place,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledTexts {
    /// Those that have a text.
    pub rows: Vec<LabelledText>,
    /// How many have none and were passed over.
    pub skipped: usize,
    /// If the table has only one column, the name of that column: the first line, which may have been meant as data.
    pub only_column: Option<String>,
}

/// Which columns of a table are meant.
#[derive(Debug, Clone, Default)]
pub struct LabelColumns {
    /// Of the label; the first if not given.
    pub label: Option<String>,
    /// Of the text; the first other one if not given, or the only one.
    pub text: Option<String>,
}

/// Reads a table: of a `.csv` file, with commas and quotes; else with tabs and without quotes.
///
/// In a table of one column there are no labels.
///
/// # Errors
///
/// When it cannot be read, has no such column or no row, or a row has more cells than the head or fewer; when
/// the head looks like a row: a label that was not asked for by its name is that of a row, too.
pub fn read_labelled(path: &Path, columns: &LabelColumns) -> Result<LabelledTexts, DataError> {
    let content = read_file(path)?;
    let mut reader = table(path).from_reader(content.as_bytes());
    let not_a_table = |error: csv::Error| DataError::Invalid {
        what: "a table",
        expected: "rows of cells".to_string(),
        found: format!("{}: {error}", path.display()),
    };
    let head = reader.headers().map_err(not_a_table)?.clone();
    let (label, text) = columns.find(path, &head)?;
    let (mut rows, mut skipped) = (Vec::new(), 0);
    let head_label = label.filter(|_| columns.label.is_none());
    let head_label = head_label.map(|column| head[column].trim());
    let mut last = None;
    for row in reader.records() {
        let row = row.map_err(not_a_table)?;
        let line = || row.position().map_or(0, |at| line_of(&content, at));
        if row.len() != head.len() {
            return Err(DataError::Ragged {
                path: path.to_path_buf(),
                line: line(),
                expected: head.len(),
                found: row.len(),
            });
        }
        last = Some(row.clone());
        let cell = |column: usize| row.get(column).unwrap_or_default().trim();
        if cell(text).is_empty() {
            skipped += 1;
            continue;
        }
        let label = label.map(cell).filter(|label| !label.is_empty());
        if let Some(label) = label.filter(|_| label == head_label) {
            return Err(DataError::NoHead {
                path: path.to_path_buf(),
                cell: label.to_string(),
                line: line(),
            });
        }
        rows.push(LabelledText {
            label: label.map(str::to_string),
            text: cell(text).to_string(),
            place: Place::Line(line()),
        });
    }
    if let Some(row) = last.filter(|_| has_commas(path))
        && let Some(at) = row.position().filter(|at| is_unclosed(&content, at))
    {
        return Err(DataError::Cell {
            path: path.to_path_buf(),
            line: line_of(&content, at),
            column: head[head.len() - 1].to_string(),
            expected: "quotes that are closed".to_string(),
            found: row[row.len() - 1].to_string(),
        });
    }
    if rows.is_empty() && skipped == 0 {
        return Err(DataError::no_row(path));
    }
    let only_column = (head.len() == 1).then(|| head[0].trim().to_string());
    Ok(LabelledTexts {
        rows,
        skipped,
        only_column,
    })
}

/// Whether a table has commas and quotes, in which a cell may have line breaks.
pub fn has_commas(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv")
}

/// How a table is read: of a `.csv` file, with commas and quotes; else with tabs and without quotes.
fn table(path: &Path) -> csv::ReaderBuilder {
    let has_commas = has_commas(path);
    let mut reader = csv::ReaderBuilder::new();
    reader
        .delimiter(if has_commas { b',' } else { b'\t' })
        .quoting(has_commas)
        .flexible(true);
    reader
}

impl LabelColumns {
    /// The columns of label and text.
    fn find(
        &self,
        path: &Path,
        head: &csv::StringRecord,
    ) -> Result<(Option<usize>, usize), DataError> {
        let missing = |column: &str| DataError::NoColumn {
            path: path.to_path_buf(),
            column: column.to_string(),
            found: head.iter().collect::<Vec<_>>().join(", "),
        };
        let named = |name: &str| {
            let place = head.iter().position(|column| column.trim() == name);
            place.ok_or_else(|| missing(&format!("`{name}`")))
        };
        let text = self.text.as_deref().map(named).transpose()?;
        let label = match &self.label {
            Some(name) => Some(named(name)?),
            // A table of texts alone has no label.
            None => (0..head.len())
                .find(|column| Some(*column) != text)
                .filter(|_| head.len() > 1),
        };
        let other = || (0..head.len()).find(|column| Some(*column) != label);
        let text = text.or_else(other).ok_or_else(|| missing("of the text"))?;
        match label == Some(text) {
            true => Err(missing(&format!(
                "of the text beside `{}`, which is that of the label",
                head[text].trim()
            ))),
            false => Ok((label, text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A label, if there is one, and a text.
    type Row = (Option<String>, String);

    fn read(
        name: &str,
        content: &str,
        columns: &LabelColumns,
    ) -> Result<(Vec<Row>, usize), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let found = read_labelled(&path, columns).map_err(|error| error.to_string());
        let found = found.map(|read| {
            let rows = read.rows.into_iter();
            (
                rows.map(|row| (row.label, row.text)).collect(),
                read.skipped,
            )
        });
        found.map_err(|error| error.replace(&folder.path().display().to_string(), ""))
    }

    fn row(label: Option<&str>, text: &str) -> Row {
        (label.map(str::to_string), text.to_string())
    }

    #[test]
    fn tabs_and_commas_and_the_order_of_columns() {
        let any = LabelColumns::default();
        let rows = read("a.tsv", "label\ttext\nbad\tso \"so\"\n\t\n", &any).unwrap();
        assert_eq!(rows, (vec![row(Some("bad"), "so \"so\"")], 1));
        let columns = LabelColumns {
            label: Some("kind".to_string()),
            text: None,
        };
        let content = "said,kind\n\"one, two\",good\n";
        let rows = read("a.csv", content, &columns).unwrap();
        assert_eq!(rows, (vec![row(Some("good"), "one, two")], 0));
        let rows = read("a.tsv", "text\nalone\n", &any).unwrap();
        assert_eq!(rows, (vec![row(None, "alone")], 0));
    }

    #[test]
    fn the_only_column_of_a_table_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let only = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            let read = read_labelled(&path, &LabelColumns::default()).unwrap();
            assert_eq!(read.rows[0].place, Place::Line(2));
            read.only_column
        };
        let alone = Some("so, what".to_string());
        assert_eq!(only("a.tsv", "\u{FEFF}so, what\r\nthen\n"), alone);
        assert_eq!(only("a.csv", "\"so, what\"\nthen\n"), alone);
        assert_eq!(only("a.csv", "so, what\nthen, that\n"), None);
        assert_eq!(only("a.tsv", "so\twhat\nthen\tthat\n"), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let any = LabelColumns::default();
        let blank = read("a.tsv", "label\ttext\r\n\r\nso\tso\r\n\r\nbad\r\n", &any);
        let error = blank.unwrap_err();
        assert_eq!(error, "/a.tsv: line 5: expected 2 cells, found 1");
        let error = read("a.tsv", "label\ttext\nbad\n", &any).unwrap_err();
        assert_eq!(error, "/a.tsv: line 2: expected 2 cells, found 1");
        let columns = LabelColumns {
            label: Some("mood".to_string()),
            text: None,
        };
        let error = read("a.tsv", "label\ttext\nbad\tx\n", &columns).unwrap_err();
        assert_eq!(error, "/a.tsv: expected a column `mood`, found label, text");
    }

    #[test]
    fn quotes_without_an_end_and_one_column_for_both_are_refused() {
        let content = "label,text\np,fine\nn,\"oops\np,well\n";
        let error = read("a.csv", content, &LabelColumns::default()).unwrap_err();
        let expected = "/a.csv: line 3, column `text`: expected quotes that are closed, found `oops\np,well\n`";
        assert_eq!(error, expected);
        for fine in [
            "label,text\np,5\" pipe\n",
            "label,text\np,\"a \"\"b\"\"\"\n",
        ] {
            assert!(
                read("a.csv", fine, &LabelColumns::default()).is_ok(),
                "{fine}"
            );
        }
        let both = LabelColumns {
            label: Some("text".to_string()),
            text: Some("text".to_string()),
        };
        let error = read("a.tsv", "label\ttext\np\tx\n", &both).unwrap_err();
        let expected = "/a.tsv: expected a column of the text beside `text`, which is that of the label, found \
                        label, text";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_row_is_no_head() {
        let content = "good\tone\nbad\ttwo\n\ngood\tthree\n";
        let error = read("a.tsv", content, &LabelColumns::default()).unwrap_err();
        assert_eq!(
            error,
            "/a.tsv: expected the names of the columns in the first row, found `good`, which is also the \
             label on line 4; if the column really has this name, select it by name"
        );
        let columns = LabelColumns {
            label: Some("good".to_string()),
            text: None,
        };
        let (rows, _) = read("a.tsv", content, &columns).unwrap();
        assert_eq!(rows[1], row(Some("good"), "three"));
    }
}
