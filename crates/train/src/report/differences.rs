//! In which settings runs differ.

use std::collections::BTreeMap;
use std::fmt::Write;

use toml::{Table, Value};

use super::trained_run::TrainedRun;
use crate::drawing::html::escape;

/// What stands where a run has no such setting.
const NONE: &str = "\u{2013}";

/// A table with a row for each setting that is not the same in all runs; nothing of runs that agree, or of one.
pub(super) fn write(page: &mut String, runs: &[TrainedRun]) {
    let settings: Vec<BTreeMap<String, String>> =
        runs.iter().map(|run| settings(&run.description)).collect();
    let rows = differing(&settings);
    if rows.is_empty() {
        return;
    }
    page.push_str("<h2>Settings that differ</h2>\n<table><tr><th>setting");
    for run in runs {
        write!(page, "<th>{}", escape(&run.name)).expect("a string takes all");
    }
    page.push_str("</tr>\n");
    for (name, values) in rows {
        write!(page, "<tr><td>{}", escape(&name)).expect("a string takes all");
        for value in values {
            let value = value.map_or(NONE.to_string(), |value| escape(&value));
            write!(page, "<td>{value}").expect("a string takes all");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

/// The settings of a `run.toml`, each by its path: `clipping.norm`.
fn settings(description: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // It was read as a run's before.
    let table: Table = toml::from_str(description).unwrap_or_default();
    flatten("", &table, &mut found);
    found
}

fn flatten(path: &str, table: &Table, found: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = match path.is_empty() {
            true => key.clone(),
            false => format!("{path}.{key}"),
        };
        match value {
            Value::Table(inner) => flatten(&path, inner, found),
            Value::String(text) => drop(found.insert(path, text.clone())),
            value => drop(found.insert(path, value.to_string())),
        }
    }
}

/// What not all have, or not all alike: of each setting the values, run by run.
fn differing(settings: &[BTreeMap<String, String>]) -> BTreeMap<String, Vec<Option<String>>> {
    let names = settings.iter().flat_map(BTreeMap::keys);
    let values = |name: &String| settings.iter().map(|of| of.get(name).cloned()).collect();
    let all = names.map(|name| (name.clone(), values(name)));
    all.filter(|(_, values): &(_, Vec<_>)| values.iter().any(|value| *value != values[0]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_its_path() {
        let one = settings("task = \"lm\"\nlr = 0.1\n[clipping]\nnorm = 1.0\nvalue = 2.0\n");
        let two = settings("task = \"lm\"\nlr = 0.2\n[clipping]\nnorm = 1.0\n");
        let told = |text: &str| Some(text.to_string());
        let found = differing(&[one.clone(), two]);
        let expected = BTreeMap::from([
            ("lr".to_string(), vec![told("0.1"), told("0.2")]),
            ("clipping.value".to_string(), vec![told("2.0"), None]),
        ]);
        assert_eq!(found, expected);
        assert!(differing(&[one.clone(), one.clone()]).is_empty());
        assert!(differing(&[one]).is_empty());
    }
}
