//! What a recurrence carries from one step to the next.
//!
//! A state is one or several tensors `[batch, units]`. What runs a cell needs no more of it than
//! to go through those tensors: to detach them (truncated backpropagation), to hold them where a
//! row has ended (padding), to check their shapes and to move them between devices.

use burn::tensor::{Bool, Device, Tensor};

use crate::{Error, ErrorKind};

/// The state of a cell or of a layer made of cells.
///
/// A cell with one state tensor uses `Tensor<2>` itself. A cell with several names them in a
/// struct and derives this trait with [`state!`](crate::state).
pub trait State: Clone + std::fmt::Debug + Send + 'static {
    /// Applies `f` to each tensor.
    fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self;

    /// Combines each tensor with the same one of `other`.
    fn zip(self, other: Self, f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self;

    /// Shows each tensor to `f`, with its name: `hidden`, `cell`, `1.reverse.hidden` ..
    ///
    /// `path` is put before the name.
    fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>));

    /// The tensors, in the order of [`visit`](Self::visit).
    fn tensors(&self) -> Vec<Tensor<2>> {
        let mut tensors = Vec::new();
        self.visit("", &mut |_, tensor| tensors.push(tensor.clone()));
        tensors
    }

    /// The same values, cut off from the graph that made them: where backpropagation through
    /// time is truncated.
    #[doc(alias = "repackage_hidden")]
    #[must_use]
    fn detach(self) -> Self {
        self.map(&mut Tensor::detach)
    }

    /// The same values on another device.
    #[must_use]
    fn to_device(self, device: &Device) -> Self {
        self.map(&mut |tensor| tensor.to_device(device))
    }

    /// The same values without autodiff, for evaluation.
    #[must_use]
    fn without_autodiff(self) -> Self {
        self.map(&mut Tensor::without_autodiff)
    }

    /// `self` in the rows where `mask` (`[batch, 1]`) is true, `other` in the rest.
    #[must_use]
    fn where_mask(self, mask: &Tensor<2, Bool>, other: Self) -> Self {
        other.zip(self, &mut |other, own| {
            let mask = mask.clone().expand(own.shape());
            other.mask_where(mask, own)
        })
    }
}

impl State for Tensor<2> {
    fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        f(self)
    }

    fn zip(self, other: Self, f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        f(self, other)
    }

    fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>)) {
        f(if path.is_empty() { "hidden" } else { path }, self);
    }
}

/// Nothing is carried: of what sees each sequence whole.
impl State for () {
    fn map(self, _f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {}

    fn zip(self, _other: Self, _f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {}

    fn visit(&self, _path: &str, _f: &mut dyn FnMut(&str, &Tensor<2>)) {}
}

/// One state a layer, as a deep stack has it.
impl<S: State> State for Vec<S> {
    fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        self.into_iter().map(|state| state.map(f)).collect()
    }

    fn zip(self, other: Self, f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        assert_eq!(self.len(), other.len(), "states of different depth");
        let pairs = self.into_iter().zip(other);
        pairs.map(|(own, other)| own.zip(other, f)).collect()
    }

    fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>)) {
        for (index, state) in self.iter().enumerate() {
            state.visit(&join(path, &index.to_string()), f);
        }
    }
}

/// Refuses a state whose tensors are not those of `expected`: by name, shape, device and element type.
pub(crate) fn check_state<S: State>(
    layer: impl Fn() -> String,
    found: &S,
    expected: &S,
) -> Result<(), Error> {
    let tensors = |state: &S| {
        let mut tensors = Vec::new();
        state.visit("", &mut |name, tensor| {
            tensors.push((name.to_string(), tensor.clone()))
        });
        tensors
    };
    let (found, expected) = (tensors(found), tensors(expected));
    if found.len() != expected.len() {
        let what = "tensors in the initial state";
        return Err(Error::count(layer(), what, expected.len(), found.len()));
    }
    // Of a state that is chosen when the program runs, the names tell whose it is.
    for ((found, _), (expected, _)) in found.iter().zip(&expected) {
        if found != expected {
            let (expected, found) = (expected.clone(), found.clone());
            return Err(Error::of_kind(
                layer(),
                ErrorKind::State { expected, found },
            ));
        }
    }
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        if found.dims() != expected.dims() {
            let what = format!("initial state `{name}` [batch, units]");
            return Err(Error::shape(layer(), what, expected.dims(), found.dims()));
        }
        check_same_place(
            &layer,
            || format!("initial state `{name}`"),
            found,
            expected,
        )?;
    }
    Ok(())
}

/// Refuses a sequence that is not of the device and the element type of a state, which has them from the weights.
pub(crate) fn check_place<S: State>(
    layer: impl Fn() -> String,
    sequence: &Tensor<3>,
    state: &S,
) -> Result<(), Error> {
    match state.tensors().first() {
        Some(first) => check_same_place(layer, || "input".to_string(), sequence, first),
        None => Ok(()),
    }
}

fn check_same_place<const D: usize, const E: usize>(
    layer: impl Fn() -> String,
    what: impl Fn() -> String,
    found: &Tensor<D>,
    expected: &Tensor<E>,
) -> Result<(), Error> {
    let (place, other) = (expected.device(), found.device());
    // Equal with and without autodiff: Burn computes with both together.
    if place != other {
        let kind = ErrorKind::Device {
            what: what(),
            expected: format!("{place:?}"),
            found: format!("{other:?}"),
        };
        return Err(Error::of_kind(layer(), kind));
    }
    if expected.dtype() != found.dtype() {
        let kind = ErrorKind::ElementType {
            what: what(),
            expected: expected.dtype(),
            found: found.dtype(),
        };
        return Err(Error::of_kind(layer(), kind));
    }
    Ok(())
}

/// `path.name`, or `name` alone at the root.
#[doc(hidden)]
pub fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_string(),
        path => format!("{path}.{name}"),
    }
}

/// Implements [`State`](crate::State) for a struct whose fields are states.
///
/// ```
/// use burn::tensor::Tensor;
///
/// #[derive(Debug, Clone)]
/// struct TwoTimescales {
///     slow: Tensor<2>,
///     fast: Tensor<2>,
/// }
/// backdraft_cells::state!(TwoTimescales { slow, fast });
/// ```
#[macro_export]
macro_rules! state {
    ($name:ident $(<$($generic:ident),+>)? { $($field:ident),+ $(,)? }) => {
        impl $(<$($generic: $crate::State),+>)? $crate::State for $name $(<$($generic),+>)? {
            fn map(
                self,
                f: &mut dyn FnMut(::burn::tensor::Tensor<2>) -> ::burn::tensor::Tensor<2>,
            ) -> Self {
                Self { $($field: $crate::State::map(self.$field, f)),+ }
            }

            fn zip(
                self,
                other: Self,
                f: &mut dyn FnMut(
                    ::burn::tensor::Tensor<2>,
                    ::burn::tensor::Tensor<2>,
                ) -> ::burn::tensor::Tensor<2>,
            ) -> Self {
                Self { $($field: $crate::State::zip(self.$field, other.$field, f)),+ }
            }

            fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &::burn::tensor::Tensor<2>)) {
                $($crate::State::visit(&self.$field, &$crate::__join(path, stringify!($field)), f);)+
            }
        }
    };
}
