//! Weights that PyTorch keeps in another form than it computes with.
//!
//! ```text
//! weight norm    W = g V / |V|    weight_hh_l0_g, weight_hh_l0_v
//!                                 parametrizations.weight_hh_l0.original0, .original1
//! WeightDrop     W = dropout(R)   weight_hh_l0_raw is R; weight_hh_l0, where it is there, what was left of it
//! ```
//!
//! `|V|` is that of each row where g is `[rows, 1]` (PyTorch's default), of each column where it is `[1, columns]`, and
//! of all of V where it is one number. For WeightDrop see Merity, Keskar, Socher, arXiv 1708.02182.

use std::collections::BTreeMap;

use burn::tensor::TensorData;

/// Where the numbers of a weight are: tensors by their names.
pub(super) enum Kept<'a, T> {
    /// In one tensor.
    Plain((&'a str, &'a T)),
    /// In its lengths g and its directions V.
    Normed {
        lengths: (&'a str, &'a T),
        directions: (&'a str, &'a T),
    },
}

impl<'a, T> Kept<'a, T> {
    /// The weight called `name`.
    pub fn find(all: &'a BTreeMap<String, T>, name: &str) -> Option<Self> {
        let get = |name: &str| {
            all.get_key_value(name)
                .map(|(name, one)| (name.as_str(), one))
        };
        if let Some(plain) = get(name) {
            return Some(Self::Plain(plain));
        }
        let (module, leaf) = match name.rsplit_once('.') {
            Some((module, leaf)) => (format!("{module}."), leaf),
            None => (String::new(), name),
        };
        let both = |lengths: String, directions: String| {
            Some(Self::Normed {
                lengths: get(&lengths)?,
                directions: get(&directions)?,
            })
        };
        let within = format!("{module}parametrizations.{leaf}.original");
        both(format!("{name}_g"), format!("{name}_v"))
            .or_else(|| both(format!("{within}0"), format!("{within}1")))
    }

    /// The tensors, and what each is called; first the one that has the weight's shape.
    pub fn tensors(&self) -> Vec<(&'a str, &'a T)> {
        match self {
            Self::Plain(plain) => vec![*plain],
            Self::Normed {
                lengths,
                directions,
            } => vec![*directions, *lengths],
        }
    }
}

/// The tensors that are copies with elements dropped out, each with the whole one: of the same name and `_raw`,
/// perhaps outside of the `module` that WeightDrop wraps.
pub(super) fn copies<T>(all: &BTreeMap<String, T>) -> BTreeMap<String, String> {
    let mut copies = BTreeMap::new();
    for whole in all.keys() {
        let Some(name) = whole.strip_suffix("_raw") else {
            continue;
        };
        let inside = match name.rsplit_once('.') {
            Some((outer, leaf)) => format!("{outer}.module.{leaf}"),
            None => format!("module.{name}"),
        };
        for copy in [name.to_string(), inside] {
            if all.contains_key(&copy) {
                copies.insert(copy, whole.clone());
            }
        }
    }
    copies
}

/// The axis of V along which its lengths lie, if these are its lengths.
fn axis(lengths: &[usize], directions: &[usize]) -> Option<usize> {
    let along = |axis: &usize| {
        let mut ones = vec![1; directions.len()];
        ones[*axis] = directions[*axis];
        ones == lengths
    };
    (0..directions.len()).find(along)
}

/// Whether lengths of this shape are those of directions of that one.
pub(super) fn fits(lengths: &[usize], directions: &[usize]) -> bool {
    lengths.is_empty() || axis(lengths, directions).is_some()
}

/// `g V / |V|`, in double precision, of shapes that fit.
pub(super) fn product(lengths: &TensorData, directions: &TensorData) -> TensorData {
    let shape = directions.shape().to_vec();
    let axis = axis(&lengths.shape().to_vec(), &shape);
    let lengths: Vec<f64> = lengths.iter().collect();
    // Which of the lengths a value has: that of its index along the axis, or the only one.
    let inner: usize = axis.map_or(1, |axis| shape[axis + 1..].iter().product());
    let of = |index: usize| index / inner % lengths.len();
    let values: Vec<f64> = directions.iter().collect();
    let mut norms = vec![0.0; lengths.len()];
    for (index, value) in values.iter().enumerate() {
        norms[of(index)] += value * value;
    }
    let each = values.iter().enumerate();
    let scaled = each.map(|(index, value)| lengths[of(index)] * value / norms[of(index)].sqrt());
    TensorData::new(scaled.collect::<Vec<f64>>(), shape)
}
