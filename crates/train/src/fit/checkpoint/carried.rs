//! What the streams carry from window to window, as a record.

use backdraft_cells::State;
use burn::module::{Module, Param};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Device, Tensor};

/// The tensors of a [`State`], as a module: it is saved and loaded as one.
#[derive(Module, Debug)]
pub struct Carried {
    tensors: Vec<Param<Tensor<2>>>,
}

impl Carried {
    /// Of a state.
    pub fn of<S: State>(state: &S) -> Self {
        let tensors = state.tensors().into_iter();
        let tensors = tensors.map(|tensor| Param::from_tensor(tensor.without_autodiff()));
        Self {
            tensors: tensors.collect(),
        }
    }

    /// The shape of each tensor of a state.
    pub fn shapes<S: State>(state: &S) -> Vec<[usize; 2]> {
        state.tensors().iter().map(Tensor::dims).collect()
    }

    /// As a file's content.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let bytes = self.into_record().into_bytes();
        bytes.expect("tensors in memory are a record").to_vec()
    }

    /// `like` with the tensors that were saved in its place, which had these shapes.
    ///
    /// # Errors
    ///
    /// When the record is of another state.
    pub(crate) fn restore<S: State>(
        like: S,
        saved: &[[usize; 2]],
        record: ModuleRecord,
    ) -> Result<S, RecordError> {
        let shapes = Self::shapes(&like);
        if shapes != saved {
            let reason = format!("expected a state of {shapes:?}, found {saved:?}");
            return Err(RecordError::Validation(reason));
        }
        let blank = Self::of(&like.clone().to_device(&Device::flex()));
        let mut tensors = blank.try_load_record(record)?.tensors.into_iter();
        Ok(like.map(&mut |_| {
            let tensor = tensors.next().expect("as many as there are in the state");
            tensor.val()
        }))
    }
}
