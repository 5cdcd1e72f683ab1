//! What the streams carry into the next window, on the devices that they are spread over.

use backdraft_cells::State;
use burn::tensor::{Device, Tensor};

use crate::Batch;
use crate::fit::share::ranges;

/// The state of each device's own rows, where it is: those of the first device before those of the second.
#[derive(Clone)]
pub(super) struct Spread<S>(pub(super) Vec<Option<S>>);

impl<S: State> Spread<S> {
    /// Nothing: sequences begin.
    pub(super) fn nothing() -> Self {
        Self(Vec::new())
    }

    /// A state of all rows, on devices to train on.
    pub(super) fn of(state: S, devices: &[Device]) -> Self {
        let tensors = state.tensors();
        let rows = tensors.first().map_or(0, Batch::rows);
        let own = ranges(rows, devices.len()).zip(devices);
        let own = own.map(|(rows, device)| {
            let device = device.clone().without_autodiff();
            let place = |tensor: Tensor<2>| tensor.to_device(&device).autodiff();
            (!rows.is_empty()).then(|| {
                let state = state.clone();
                state.map(&mut |tensor| place(tensor.take_rows(rows.clone())))
            })
        });
        Self(own.collect())
    }

    /// The state of all rows, on one device.
    pub(super) fn whole(&self, device: &Device) -> Option<S> {
        let states = self.0.iter().flatten().cloned();
        states
            .map(|state| state.to_device(device))
            .reduce(|all, next| all.zip(next, &mut |all, next| Tensor::cat(vec![all, next], 0)))
    }

    /// What each of so many devices goes on from; nothing is left here.
    pub(super) fn take(&mut self, devices: usize) -> Vec<Option<S>> {
        let mut states = std::mem::take(&mut self.0);
        states.resize_with(devices, || None);
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spread_is_put_together_again() {
        let device = Device::flex();
        let state = || {
            let numbers = |from: i64| Tensor::arange(from..from + 10, &device).float();
            vec![0, 100]
                .into_iter()
                .map(|from| numbers(from).reshape([5, 2]))
                .collect()
        };
        let state: Vec<Tensor<2>> = state();
        for (devices, rows) in [(1, vec![5]), (2, vec![2, 3]), (7, vec![1; 5])] {
            let spread = Spread::of(state.clone(), &vec![device.clone(); devices]);
            assert_eq!(spread.0.len(), devices);
            let found = spread.0.iter().flatten();
            let found: Vec<usize> = found.map(|state| state[1].dims()[0]).collect();
            assert_eq!(found, rows);
            let whole = spread.whole(&device).unwrap();
            for (whole, state) in whole.into_iter().zip(&state) {
                assert_eq!(whole.to_data(), state.to_data());
            }
        }
        let nothing = Spread::<Tensor<2>>::nothing();
        assert!(nothing.whole(&device).is_none());
        assert!(nothing.clone().take(3).iter().all(Option::is_none));
    }
}
