//! A Burn module, in this process.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Gradients, Tensor};

use super::{Contender, Work, timed};
use crate::{BenchError, FoundDevice, Shape, live_bytes};

/// A Burn module that maps a sequence to a sequence, `[batch, time, features]`.
pub struct InProcess<M> {
    name: String,
    description: String,
    place: FoundDevice,
    apply: fn(&M, Tensor<3>) -> Tensor<3>,
    plain: M,
    input: Tensor<3>,
    trained: M,
    leaf: Tensor<3>,
}

impl<M: Module> InProcess<M> {
    /// A module that runs on `place`.
    ///
    /// * `build`: the module, on a device that records gradients or on one that does not.
    /// * `apply`: runs it.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    pub fn new(
        (name, description): (&str, String),
        shape: Shape,
        place: &FoundDevice,
        build: impl Fn(&Device) -> Result<M, BenchError>,
        apply: fn(&M, Tensor<3>) -> Tensor<3>,
    ) -> Result<Self, BenchError> {
        let sizes = [shape.batch, shape.time, shape.input];
        let recording = place.device.clone().autodiff();
        Ok(Self {
            name: name.to_string(),
            description,
            place: place.clone(),
            apply,
            plain: build(&place.device)?,
            input: Tensor::random(sizes, Distribution::Default, &place.device),
            trained: build(&recording)?,
            leaf: Tensor::random(sizes, Distribution::Default, &recording).require_grad(),
        })
    }

    fn gradients(&self) -> (Tensor<1>, Gradients) {
        let outputs = (self.apply)(&self.trained, self.leaf.clone());
        let loss = (outputs.clone() * outputs).mean();
        let gradients = loss.backward();
        (loss, gradients)
    }

    fn forward(&self) -> Result<(), BenchError> {
        let outputs = (self.apply)(&self.plain, self.input.clone());
        let one = outputs.slice([0..1, 0..1, 0..1]);
        self.place.finish(&self.description, &one)?;
        Ok(())
    }

    fn training(&self) -> Result<(), BenchError> {
        let (loss, _gradients) = self.gradients();
        self.place.finish(&self.description, &loss)?;
        Ok(())
    }
}

impl<M: Module> Contender for InProcess<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError> {
        timed(times, || match work {
            Work::Forward => self.forward(),
            Work::Training => self.training(),
        })
    }

    fn bytes_kept(&self) -> Option<usize> {
        if !self.place.on_cpu {
            return None;
        }
        // What the first run leaves for the later ones is not kept for backward.
        let _ = self.gradients();
        let before = live_bytes()?;
        let outputs = (self.apply)(&self.trained, self.leaf.clone());
        let after = live_bytes()?;
        drop(outputs);
        Some(after.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleVisitor, Param};
    use burn::nn;

    use super::*;
    use crate::contender::{Way, ours::layer};
    use crate::{CellKind, DeviceChoice};

    struct Count<'a> {
        gradients: &'a Gradients,
        found: usize,
    }

    impl ModuleVisitor for Count<'_> {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let gradient = parameter.val().grad(self.gradients);
            let gradient = gradient.expect("every parameter has a gradient");
            assert_eq!(gradient.dims(), parameter.val().dims());
            self.found += gradient.dims().iter().product::<usize>();
        }
    }

    /// A training step gives a gradient for the input and for every weight there is.
    #[track_caller]
    fn trains<M: Module>(module: &InProcess<M>, weights: usize) {
        let (_, gradients) = module.gradients();
        let input = module.leaf.grad(&gradients).expect("the input has one");
        assert_eq!(input.dims(), module.leaf.dims());
        let mut count = Count {
            gradients: &gradients,
            found: 0,
        };
        module.trained.visit(&mut count);
        assert_eq!(count.found, weights);
    }

    #[test]
    fn a_training_step_computes_every_gradient() {
        let place = DeviceChoice::default().find().unwrap();
        let shape: Shape = "2,3,4,5".parse().unwrap();
        // G gates of H units: weights from I inputs and H units, and two biases.
        let weights = |cell: CellKind| cell.gates() * 5 * (4 + 5 + 2);
        for way in [Way::Kernel, Way::Unrolled] {
            let elman = backdraft_cells::ElmanConfig::new(4, 5);
            trains(
                &layer(elman, shape, &place, way).unwrap(),
                weights(CellKind::Elman),
            );
            let lstm = backdraft_cells::LstmConfig::new(4, 5);
            trains(
                &layer(lstm, shape, &place, way).unwrap(),
                weights(CellKind::Lstm),
            );
            let gru = backdraft_cells::GruConfig::new(4, 5);
            trains(
                &layer(gru, shape, &place, way).unwrap(),
                weights(CellKind::Gru),
            );
        }
        let lstm = nn::LstmConfig::new(4, 5, true);
        let name = ("burn-nn", String::new());
        let build = |device: &Device| Ok(lstm.init(device));
        let module = InProcess::new(name, shape, &place, build, |module, input| {
            module.forward(input, None).0
        });
        trains(&module.unwrap(), weights(CellKind::Lstm));
    }
}
