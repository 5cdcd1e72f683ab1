//! What can be wrong with a file, or with how it fits.

use std::fmt;
use std::path::PathBuf;

use crate::NotFinite;
use crate::pytorch::Rename;

/// Why weights could not come in or go out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file that is damaged, of another format, or that would do what weights need not do.
    /// Nothing in it was run.
    #[error("{}: refused: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer that the other framework does not have.
    #[error("{framework} has no such layer: {error}")]
    NoTwin {
        /// The other framework.
        framework: &'static str,
        /// The layer, and what would be possible.
        error: backdraft_cells::Error,
    },
    /// Tensors that do not fit the layer.
    #[error(transparent)]
    Mismatch(#[from] Box<Mismatch>),
    /// Weights that are no numbers.
    #[error("{what}: {number}")]
    NotFinite {
        /// What they are of.
        what: String,
        /// The first of them.
        number: NotFinite,
    },
    /// Arrays of a layer that are not there.
    #[error("layer `{layer}`: expected an array called `{layer}.{index}`, found {names:?}")]
    NoArrays {
        /// The layer.
        layer: String,
        /// Which of its arrays is missing, counted from 0.
        index: usize,
        /// What there is.
        names: Vec<String>,
    },
    /// A rule for names that is none, or that does nothing.
    #[error("rule `{rule}`: expected {expected}, found `{found}`")]
    Rule {
        /// The rule.
        rule: String,
        /// What it needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Two tensors that would have one name.
    #[error("`{}` and `{}` would both be called `{name}`", from[0], from[1])]
    Collision {
        /// The name.
        name: String,
        /// What they were called.
        from: [String; 2],
    },
    /// A name that was given twice.
    #[error("a tensor called `{name}` is there already")]
    Twice {
        /// The name.
        name: String,
    },
}

/// A tensor's name and shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// The name.
    pub name: String,
    /// The extents, outermost first.
    pub shape: Vec<usize>,
}

impl Shaped {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }
}

impl fmt::Display for Shaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.shape)
    }
}

/// Everything in which tensors and a layer differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// The layer, or what was looked for in what.
    pub what: String,
    /// Tensors that the layer needs and that are not there.
    pub missing: Vec<Shaped>,
    /// Tensors that are there and that the layer does not have.
    pub unexpected: Vec<Shaped>,
    /// Tensors of another shape: what the layer has, and the shape found.
    pub misshapen: Vec<(Shaped, Vec<usize>)>,
    /// Tensors that do not hold floating-point numbers: the name, and what they hold.
    pub mistyped: Vec<(String, String)>,
    /// Tensors that are one in the layer and hold different numbers here.
    pub untied: Vec<(String, String)>,
    /// Tensors that are copies of others with elements dropped out, each with the whole one.
    pub copies: Vec<(String, String)>,
    /// When nothing has the prefix asked for: with what the names that are there begin.
    pub beginnings: Vec<String>,
    /// With what it would fit.
    pub proposal: Option<Proposal>,
}

/// Another prefix, or rules for names, with which tensors fit a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The prefix; what was asked for if only the names differ.
    pub prefix: String,
    /// The rules, first to last.
    pub rules: Vec<Rename>,
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => write!(f, "with no prefix")?,
            prefix => write!(f, "with the prefix `{prefix}`")?,
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let before = match index {
                0 => ", renamed by",
                _ => " and",
            };
            write!(f, "{before} `{rule}`")?;
        }
        Ok(())
    }
}

impl Mismatch {
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.misshapen.is_empty()
            && self.mistyped.is_empty()
            && self.untied.is_empty()
            && self.copies.is_empty()
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the tensors do not fit", self.what)?;
        for tensor in &self.missing {
            write!(f, "\n  missing: {tensor}")?;
        }
        for tensor in &self.unexpected {
            write!(f, "\n  not in the layer: {tensor}")?;
        }
        for (expected, found) in &self.misshapen {
            let Shaped { name, shape } = expected;
            write!(
                f,
                "\n  shape of {name}: expected {shape:?}, found {found:?}"
            )?;
        }
        for (name, found) in &self.mistyped {
            write!(
                f,
                "\n  type of {name}: expected floating-point numbers, found {found}"
            )?;
        }
        for (one, other) in &self.untied {
            write!(
                f,
                "\n  {one} and {other}: expected the same numbers, as the layer ties them"
            )?;
        }
        for (copy, raw) in &self.copies {
            write!(f, "\n  {copy}: a copy of {raw} with elements dropped out")?;
        }
        if !self.beginnings.is_empty() {
            let beginnings = self.beginnings.join(", ");
            write!(f, "\n  the names that are there begin with: {beginnings}")?;
        }
        if let Some(proposal) = &self.proposal {
            write!(f, "\n  they fit {proposal}")?;
        }
        Ok(())
    }
}
