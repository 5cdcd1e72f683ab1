//! Which keys a description may have, which somebody wrote, and what was meant by another.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::table;
use crate::TrainError;
use crate::bounds::told;
use crate::names::{field, flag_name, meant_by};
use crate::say::either;

/// Keys of which there is one or none, in a table that is a word where there is none.
const IN_MEMORY: [&str; 2] = ["memory.chrono.longest", "memory.forget_bias"];

/// Below it, two names are no more alike than any two.
const ALIKE: f64 = 0.75;

/// The key, with the tables that it is in, that was meant by another: the key of its flag, of what it is
/// called elsewhere, or else the one that is most alike.
fn nearest(key: &str, all: &[String]) -> Option<String> {
    let flag = key.replace('_', "-");
    let flag = meant_by(&flag).unwrap_or(&flag);
    let by_flag = all.iter().find(|known| flag_name(known) == flag);
    let alike = |known: &String| {
        let names = [
            known.as_str(),
            known.rsplit('.').next().unwrap_or(known),
            &field(known),
        ];
        let alike = names.map(|name| strsim::jaro(key, name));
        alike.into_iter().fold(0.0, f64::max)
    };
    let scored = all.iter().map(|known| (known, alike(known)));
    let best = scored.max_by(|a, b| a.1.total_cmp(&b.1));
    let best = best
        .filter(|(_, score)| *score >= ALIKE)
        .map(|(known, _)| known);
    by_flag.or(best).cloned()
}

/// The keys of a table and of those in it.
fn paths(table: &Table, within: &str) -> Vec<String> {
    let of = |(key, value): (&String, &Value)| match value {
        Value::Table(table) => paths(table, &format!("{within}{key}.")),
        _ => vec![format!("{within}{key}")],
    };
    table.iter().flat_map(of).collect()
}

/// Refuses a key of `asked` that is not in `known`, with the nearest that is, and a value of another kind than
/// the one there.
pub(super) fn check(asked: &Table, known: &Table) -> Result<(), String> {
    let mut all = paths(known, "");
    all.extend(IN_MEMORY.map(str::to_string));
    check_within(asked, known, &all, "")
}

fn check_within(asked: &Table, known: &Table, all: &[String], within: &str) -> Result<(), String> {
    for (key, value) in asked {
        let Some(meant) = known.get(key) else {
            let unknown = format!("unknown key `{within}{key}`");
            return Err(match nearest(key, all) {
                Some(meant) => format!("{unknown}; did you mean `{meant}`?"),
                None => unknown,
            });
        };
        match (value, meant) {
            (Value::Table(asked), Value::Table(known)) => {
                check_within(asked, known, all, &format!("{within}{key}."))?;
            }
            (_, Value::Table(_)) => {
                let found = value.type_str();
                return Err(format!(
                    "`{within}{key}`: expected a table, [{key}], found {found}"
                ));
            }
            (value, meant) => {
                check_kind(value, meant).map_err(|reason| format!("`{within}{key}`: {reason}"))?
            }
        }
    }
    Ok(())
}

/// Refuses a value of another kind than the one that is meant, where that has but one.
fn check_kind(value: &Value, meant: &Value) -> Result<(), String> {
    let expected = match (meant, value) {
        (Value::Integer(_), Value::Integer(number)) if *number < 0 => {
            return Err(format!(
                "expected a whole number that is not negative, found {number}"
            ));
        }
        (Value::Integer(_), Value::Integer(_))
        | (Value::Float(_), Value::Float(_) | Value::Integer(_))
        | (Value::Boolean(_), Value::Boolean(_))
        | (Value::Array(_), Value::Array(_)) => return Ok(()),
        (Value::Integer(_), _) => "a whole number",
        (Value::Float(_), _) => "a number",
        (Value::Boolean(_), _) => "true or false",
        (Value::Array(_), _) => "a list, [..]",
        _ => return Ok(()),
    };
    let found = match value {
        Value::Float(number) => told(*number),
        value => value.to_string(),
    };
    Err(format!("expected {expected}, found {found}"))
}

/// What serde says of a value, and in which key; of a word that is none of those that it knows, as everything else
/// is told, with the nearest of them.
pub(super) fn reworded(error: &str) -> String {
    let lines = error.trim().replace('\n', " ");
    let parts = || {
        let (found, expected) = lines
            .strip_prefix("unknown variant `")?
            .split_once("`, expected ")?;
        let (expected, place) = match expected.split_once(" in `") {
            Some((expected, place)) => (expected, format!(" in `{place}")),
            None => (expected, String::new()),
        };
        let names = expected.split('`').skip(1).step_by(2);
        Some((found, names.map(str::to_string).collect::<Vec<_>>(), place))
    };
    let Some((found, names, place)) = parts() else {
        return lines;
    };
    let alike = names.iter().map(|name| (name, strsim::jaro(name, found)));
    let best = alike.max_by(|a, b| a.1.total_cmp(&b.1));
    let meant = best.filter(|(_, alike)| *alike >= ALIKE);
    let meant = meant.map_or_else(String::new, |(name, _)| format!("; did you mean `{name}`?"));
    format!("expected {}{place}, found `{found}`{meant}", either(&names))
}

/// The keys that somebody wrote into a file, with their tables: `averaging.decay`. None of one that the program
/// wrote, which has all of them.
///
/// # Errors
///
/// When the file cannot be read or is not TOML.
pub(crate) fn written_keys(path: &Path) -> Result<BTreeSet<String>, TrainError> {
    let undescribed = |reason: String| TrainError::Undescribed {
        path: path.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| undescribed(error.to_string()))?;
    let asked = table(&text).map_err(undescribed)?;
    let mut keys = BTreeSet::new();
    for (key, value) in asked.iter().filter(|_| !asked.contains_key("made")) {
        keys.insert(key.clone());
        let inner = value.as_table().into_iter().flatten();
        keys.extend(inner.map(|(name, _)| format!("{key}.{name}")));
    }
    Ok(keys)
}
