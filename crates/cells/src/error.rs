//! What can be wrong with what a caller hands over: a configuration, a sequence, a state or lengths.

use std::fmt::{self, Display};

use burn::tensor::DType;

/// A configuration that describes no layer, or a tensor that does not fit the layer it is given to.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{layer}: {kind}")]
pub struct Error {
    /// The layer, outermost first: `layer 2 of Deep: reverse of Bidirectional: Lstm(8 -> 16)`.
    pub layer: String,
    kind: Box<ErrorKind>,
}

/// What is wrong, with the values that were expected and found.
///
/// ```
/// use backdraft_cells::prelude::*;
/// use backdraft_cells::{ErrorKind, Size};
/// use burn::tensor::{Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let layer = RecurrentConfig::new(LstmConfig::new(8, 16)).init(&device)?;
/// let error = layer.forward(Tensor::<3>::zeros([4, 10, 9], &device)).unwrap_err();
///
/// match error.kind() {
///     ErrorKind::Shape { expected, found, .. } => {
///         assert_eq!(*expected, [Size::Any, Size::Any, Size::Is(8)]);
///         assert_eq!(*found, [4, 10, 9]);
///     }
///     other => panic!("another kind: {other}"),
/// }
/// assert_eq!(
///     error.to_string(),
///     "Lstm(8 -> 16): input [batch, time, features]: expected [any, any, 8], found [4, 10, 9]"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A tensor has another shape.
    #[error("{what}: expected {}, found {found:?}", sizes(expected))]
    Shape {
        /// The tensor and its dimensions: ``initial state `cell` [batch, units]``.
        what: String,
        /// The size that each dimension should have.
        expected: Vec<Size>,
        /// The size that each has.
        found: Vec<usize>,
    },
    /// There are more or fewer of something than there have to be.
    #[error("{what}: expected {expected}, found {found}")]
    Count {
        /// Of what.
        what: String,
        /// How many there have to be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A row is said to be longer than its batch.
    #[error("length of row {row}: expected at most {time}, the steps of the batch, found {found}")]
    Length {
        /// The row, from 0.
        row: usize,
        /// The steps of the batch.
        time: usize,
        /// The length that was given.
        found: usize,
    },
    /// A number is not one of those that are possible.
    #[error("{what}: expected {expected}, found {found}")]
    Range {
        /// The setting or the value: `dropout`.
        what: String,
        /// Which numbers are possible.
        expected: String,
        /// The number.
        found: f64,
    },
    /// Something cannot be done, or not together with something else.
    #[error("{what}: expected {expected}, found {found}")]
    Unsupported {
        /// The setting or the part of the layer.
        what: String,
        /// What is possible.
        expected: String,
        /// What was asked for.
        found: String,
    },
    /// A state is that of another cell or layer.
    #[error("initial state: expected `{expected}`, found `{found}`")]
    State {
        /// The name of the tensor that the layer has in this place.
        expected: String,
        /// The name of the tensor that is there.
        found: String,
    },
    /// A tensor is on another device than the weights.
    #[error("{what}: expected a tensor on {expected}, found one on {found}")]
    Device {
        /// The tensor.
        what: String,
        /// The device of the weights.
        expected: String,
        /// The device of the tensor.
        found: String,
    },
    /// A tensor has elements of another type than the weights.
    #[error("{what}: expected elements of type {expected:?}, found {found:?}")]
    ElementType {
        /// The tensor.
        what: String,
        /// The type of the weights.
        expected: DType,
        /// The type of the tensor.
        found: DType,
    },
}

/// The size that a dimension of a tensor should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Any.
    Any,
    /// This one or a larger one.
    AtLeast(usize),
    /// This one.
    Is(usize),
}

impl From<usize> for Size {
    fn from(size: usize) -> Self {
        Self::Is(size)
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => write!(f, "any"),
            Self::AtLeast(size) => write!(f, "at least {size}"),
            Self::Is(size) => write!(f, "{size}"),
        }
    }
}

/// What was found in place of what was expected. It decides on the kind of an [`Error::new`].
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A number: [`ErrorKind::Range`].
    Number(f64),
    /// Anything else: [`ErrorKind::Unsupported`].
    Text(String),
}

macro_rules! found_number {
    ($($number:ty)*) => {
        $(
            impl From<$number> for Found {
                fn from(number: $number) -> Self {
                    Self::Number(number as f64)
                }
            }

            impl From<&$number> for Found {
                fn from(number: &$number) -> Self {
                    Self::Number(*number as f64)
                }
            }
        )*
    };
}
found_number!(usize u64 u32 i64 i32 f64 f32);

impl From<&str> for Found {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for Found {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Error {
    /// An error about `what` of `layer`: [`ErrorKind::Range`] if a number was found, else [`ErrorKind::Unsupported`].
    pub fn new(
        layer: impl Display,
        what: impl Display,
        expected: impl Display,
        found: impl Into<Found>,
    ) -> Self {
        let (what, expected) = (what.to_string(), expected.to_string());
        Self::of_kind(
            layer,
            match found.into() {
                Found::Number(found) => ErrorKind::Range {
                    what,
                    expected,
                    found,
                },
                Found::Text(found) => ErrorKind::Unsupported {
                    what,
                    expected,
                    found,
                },
            },
        )
    }

    /// An error about `layer`.
    pub fn of_kind(layer: impl Display, kind: ErrorKind) -> Self {
        Self {
            layer: layer.to_string(),
            kind: Box::new(kind),
        }
    }

    /// What is wrong with the layer.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// A tensor of another shape.
    pub fn shape(
        layer: impl Display,
        what: impl Display,
        expected: impl IntoIterator<Item = impl Into<Size>>,
        found: impl Into<Vec<usize>>,
    ) -> Self {
        let kind = ErrorKind::Shape {
            what: what.to_string(),
            expected: expected.into_iter().map(Into::into).collect(),
            found: found.into(),
        };
        Self::of_kind(layer, kind)
    }

    /// More or fewer of something than there have to be.
    pub fn count(layer: impl Display, what: impl Display, expected: usize, found: usize) -> Self {
        let what = what.to_string();
        let kind = ErrorKind::Count {
            what,
            expected,
            found,
        };
        Self::of_kind(layer, kind)
    }

    /// The same error, told from one layer further out.
    pub fn within(mut self, outer: impl Display) -> Self {
        self.layer = format!("{outer}: {}", self.layer);
        self
    }

    /// Refuses a size of zero.
    pub fn unless_positive(layer: &str, what: &str, size: usize) -> Result<(), Self> {
        if size == 0 {
            return Err(Self::new(layer, what, "at least 1", size));
        }
        Ok(())
    }

    /// Refuses a bound that bounds nothing: 0, below 0 or not finite.
    pub fn unless_bound(layer: &str, what: &str, bound: Option<f64>) -> Result<(), Self> {
        match bound {
            Some(bound) if !bound.is_finite() || bound <= 0.0 => {
                Err(Self::new(layer, what, "a finite number above 0", bound))
            }
            _ => Ok(()),
        }
    }
}

fn sizes(sizes: &[Size]) -> String {
    let sizes: Vec<String> = sizes.iter().map(Size::to_string).collect();
    format!("[{}]", sizes.join(", "))
}
