//! Other names for tensors: what `torch.compile`, `nn.DataParallel` and their like put in the middle, taken out.
//!
//! ```text
//! FROM=TO                  parts of a name, between its dots, that are FROM become TO, wherever they are
//! module=                  encoder.module.weight_ih_l0     ->  encoder.weight_ih_l0
//! encoder.lstm=recurrent   model.encoder.lstm.bias_ih_l0   ->  model.recurrent.bias_ih_l0
//! {w}_raw={w}              rnn.weight_hh_l0_raw            ->  rnn.weight_hh_l0
//! rnns.{n}.{w}_l0=rnn.{w}_l{n}
//!                          rnns.1.weight_hh_l0             ->  rnn.weight_hh_l1
//! ```
//!
//! What is in braces stands for any text of one part, at least one letter, and for the same text in TO. FROM is whole
//! parts, so that `module=` leaves `submodule` alone; a dot at the end of FROM or TO says nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A rule by which the names of tensors change: `FROM=TO`, as in `module=` or `{w}_raw={w}`.
///
/// FROM is one or several parts of a name, between its dots; wherever they are, TO stands afterwards, or nothing. In
/// braces is what may be any text within a part.
///
/// ```
/// use backdraft_exchange::pytorch::Rename;
///
/// # fn main() -> Result<(), backdraft_exchange::Error> {
/// let rule: Rename = "rnns.{n}.{w}_l0=rnn.{w}_l{n}".parse()?;
/// assert_eq!(rule.apply("rnns.1.bias_hh_l0").as_deref(), Some("rnn.bias_hh_l1"));
/// assert_eq!(rule.apply("head.weight"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    from: Vec<Part>,
    to: Vec<Part>,
}

/// A text with holes: `head`, and behind it holes by their names, each with the text that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    head: String,
    holes: Vec<(String, String)>,
}

impl FromStr for Rename {
    type Err = Error;

    fn from_str(rule: &str) -> Result<Self, Error> {
        match rule.split_once('=') {
            Some((from, to)) if !to.contains('=') => Self::new(from, to),
            _ => Err(refuse(rule, "FROM=TO, as in `module=`", rule)),
        }
    }
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = |parts: &[Part]| {
            let parts: Vec<String> = parts.iter().map(Part::to_string).collect();
            parts.join(".")
        };
        write!(f, "{}={}", parts(&self.from), parts(&self.to))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        let mut holes = self.holes.iter();
        holes.try_for_each(|(hole, text)| write!(f, "{{{hole}}}{text}"))
    }
}

impl Rename {
    /// A rule of its two sides.
    ///
    /// # Errors
    ///
    /// When FROM is empty, a part of either is, braces do not match, two holes touch, or TO has a hole that FROM
    /// does not have once.
    pub fn new(from: &str, to: &str) -> Result<Self, Error> {
        let rule = format!("{from}={to}");
        let parts = |side: &str| -> Result<Vec<Part>, Error> {
            let side = side.strip_suffix('.').unwrap_or(side);
            let parts = side.split('.');
            parts.map(|part| Part::read(&rule, part)).collect()
        };
        let from = parts(from)?;
        let to = match to {
            "" => Vec::new(),
            to => parts(to)?,
        };
        let holes = |parts: &[Part]| -> Vec<String> {
            let holes = parts.iter().flat_map(|part| &part.holes);
            holes.map(|(hole, _)| hole.clone()).collect()
        };
        let known = holes(&from);
        for (index, hole) in known.iter().enumerate() {
            if known[..index].contains(hole) {
                return Err(refuse(&rule, "each hole of FROM once", hole));
            }
        }
        let mut parts = from.iter().map(|part| &part.holes);
        if parts.any(|holes| holes.windows(2).any(|two| two[0].1.is_empty())) {
            return Err(refuse(&rule, "text between two holes of FROM", &rule));
        }
        match holes(&to).iter().find(|hole| !known.contains(hole)) {
            Some(hole) => Err(refuse(&rule, "holes in TO that FROM has", hole)),
            None => Ok(Self { from, to }),
        }
    }

    /// The new name; `None` if the rule does not fit the old one.
    pub fn apply(&self, name: &str) -> Option<String> {
        let parts: Vec<&str> = name.split('.').collect();
        let mut renamed: Vec<String> = Vec::with_capacity(parts.len());
        let (mut at, mut fits) = (0, false);
        while at < parts.len() {
            let here = parts.get(at..at + self.from.len());
            match here.and_then(|here| self.matched(here)) {
                Some(texts) => {
                    renamed.extend(self.to.iter().map(|part| part.filled(&texts)));
                    at += self.from.len();
                    fits = true;
                }
                None => {
                    renamed.push(parts[at].to_string());
                    at += 1;
                }
            }
        }
        fits.then(|| renamed.join("."))
    }

    /// What the holes stand for, if these parts are FROM.
    fn matched<'a>(&'a self, parts: &[&'a str]) -> Option<BTreeMap<&'a str, &'a str>> {
        let mut texts = BTreeMap::new();
        let mut each = self.from.iter().zip(parts);
        each.all(|(part, text)| part.matched(text, &mut texts).is_some())
            .then_some(texts)
    }
}

impl Part {
    fn read(rule: &str, text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(refuse(rule, "something between the dots", rule));
        }
        let braces = || refuse(rule, "braces around a name, as in `{w}`", text);
        let mut pieces = text.split('{');
        let head = pieces.next().unwrap_or_default();
        let mut holes: Vec<(String, String)> = Vec::new();
        for piece in pieces {
            let (hole, behind) = piece.split_once('}').ok_or_else(braces)?;
            holes.push((hole.into(), behind.into()));
        }
        let texts = holes.iter().map(|(_, text)| text.as_str());
        let nameless = holes.iter().any(|(hole, _)| hole.is_empty());
        if nameless || texts.chain([head]).any(|text| text.contains('}')) {
            return Err(braces());
        }
        Ok(Self {
            head: head.into(),
            holes,
        })
    }

    /// Takes what the holes stand for: each as little as it can, the last one all that is left.
    fn matched<'a>(&'a self, text: &'a str, texts: &mut BTreeMap<&'a str, &'a str>) -> Option<()> {
        let mut rest = text.strip_prefix(self.head.as_str())?;
        let Some(((last, behind), holes)) = self.holes.split_last() else {
            return rest.is_empty().then_some(());
        };
        for (hole, behind) in holes {
            let first = rest.chars().next()?.len_utf8();
            let end = first + rest[first..].find(behind.as_str())?;
            texts.insert(hole, &rest[..end]);
            rest = &rest[end + behind.len()..];
        }
        let text = rest.strip_suffix(behind.as_str())?;
        texts.insert(last, text);
        (!text.is_empty()).then_some(())
    }

    fn filled(&self, texts: &BTreeMap<&str, &str>) -> String {
        let mut filled = self.head.clone();
        for (hole, behind) in &self.holes {
            filled.push_str(texts.get(hole.as_str()).copied().unwrap_or_default());
            filled.push_str(behind);
        }
        filled
    }
}

pub(super) fn refuse(rule: &str, expected: &str, found: &str) -> Error {
    Error::Rule {
        rule: rule.into(),
        expected: expected.into(),
        found: found.into(),
    }
}
