//! What is drawn in a layer that is computed again: the same in both passes, and new in each piece.

use backdraft_cells::prelude::*;
use backdraft_cells::{Error, Path, Trace};
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;

use crate::support::{alone, backends, check_gradients, state_values, values, weighted_loss};

const SEED: u64 = 7;

/// Drops numbers of the input, at each step anew: a layer of one's own, which shows its masks.
#[derive(Module, Debug)]
struct Dropped {
    dropout: Dropout,
    size: usize,
}

impl Layer for Dropped {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.size
    }

    fn output_size(&self) -> usize {
        self.size
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, 1], &backends()[0].autodiff())
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Forward)
    }

    fn describe(&self) -> String {
        "Dropped".into()
    }

    fn unrolled(self) -> Self {
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        vec![(self.describe(), Path::Unrolled("it has no kernel".into()))]
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Tensor<2>>,
    ) -> Result<LayerOutput<Tensor<2>>, Error> {
        let rows = input.inputs.dims()[0];
        Ok(LayerOutput {
            outputs: self.dropout.forward(input.inputs),
            state: input.state.unwrap_or_else(|| self.initial_state(rows)),
        })
    }

    fn trace_checked(&self, input: LayerInput<'_, Tensor<2>>) -> Result<Trace<Tensor<2>>, Error> {
        backdraft_cells::stepwise::trace(self, Direction::Forward, input)
    }
}

#[test]
fn masks_are_the_same_in_both_passes_and_new_in_each_piece() {
    let _alone = alone();
    let device = backends()[0].autodiff();
    let layer = Dropped {
        dropout: DropoutConfig::new(0.5).init(),
        size: 40,
    };
    let layer = Recomputed::new(layer, 3).unwrap();
    // Of ones, the outputs are the masks; and so is the gradient of their sum.
    let run = || {
        let ones = Tensor::<3>::ones([2, 6, 40], &device).require_grad();
        let outputs = layer.forward(ones.clone()).unwrap().outputs;
        let gradients = outputs.clone().sum().backward();
        let masks = values(&outputs);
        assert_eq!(values(&ones.grad(&gradients).unwrap()), masks);
        masks
    };
    device.seed(SEED);
    let first = run();
    let between = values(&Tensor::<1>::random(
        [40],
        burn::tensor::Distribution::Default,
        &device,
    ));
    let second = run();
    let pieces = |masks: &[f64]| -> Vec<Vec<f64>> { masks.chunks(2 * 40).map(Vec::from).collect() };
    let mut all = [pieces(&first), pieces(&second)].concat();
    let count = all.len();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all.dedup();
    assert_eq!(all.len(), count, "no two pieces have the same masks");

    device.seed(SEED);
    assert_eq!(run(), first);
    let again = values(&Tensor::<1>::random(
        [40],
        burn::tensor::Distribution::Default,
        &device,
    ));
    assert_eq!(
        again, between,
        "what is drawn afterwards follows from the seed, too"
    );
}

fn gates() -> GatesConfig {
    GatesConfig::new()
}

/// Against central differences, each with the same seed.
#[test]
fn gradients_under_masks_are_those_of_finite_differences() {
    let _alone = alone();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        let input = backend.random::<3>(1, [2, 7, 3]);
        let lengths = Lengths::new([7, 5]);
        macro_rules! check {
            ($name:literal, $config:expr) => {
                let config = RecomputedConfig::new($config).with_pieces(3);
                let layer = backend.fill(config.init(&device).unwrap(), 5);
                check_gradients($name, &layer, &|layer| {
                    device.seed(SEED);
                    let input = LayerInput::new(input.clone()).with_lengths(&lengths);
                    weighted_loss(&layer.forward(input).unwrap())
                });
            };
        }
        let gru = |gates: GatesConfig| RecurrentConfig::new(GruConfig::new(3, 3).with_gates(gates));
        let deep = |layer| DeepConfig::new(layer, 2).with_dropout(0.4);
        check!("dropout", deep(gru(gates())));
        check!("variational", deep(gru(gates())).with_variational(true));
        check!("drop connect", gru(gates().with_drop_connect(0.4)));
        check!("recurrent", gru(gates().with_recurrent_dropout(0.4)));
        check!("candidate", gru(gates().with_candidate_dropout(0.4)));
        let zoneout = ZoneoutConfig::new(LstmConfig::new(3, 3), 0.3, 0.5);
        check!(
            "zoneout",
            RecurrentConfig::new(zoneout).with_direction(Direction::Reverse)
        );
        let both = BidirectionalConfig::new(
            GruConfig::new(3, 3).with_gates(gates().with_drop_connect(0.4)),
        );
        // In pieces of pieces, the inner ones of which are of a graph in the second pass alone.
        let zoneout = ZoneoutConfig::new(LstmConfig::new(3, 3), 0.3, 0.5);
        let inner = RecomputedConfig::new(RecurrentConfig::new(zoneout)).with_pieces(2);
        check!("twice", DeepConfig::new(inner, 2).with_dropout(0.4));
        check!(
            "both directions",
            DeepConfig::new(both, 2).with_dropout(0.4)
        );
        check!(
            "random start",
            gru(gates()).with_initial(Initial::Random { std: 1.0 })
        );
        check!("dilated", DilatedConfig::new(deep(gru(gates())), 2));
    }
}

/// Masks that stay for a run are drawn first, and are therefore, with the same seed, those of the layer itself. If a
/// piece had masks of its own, the outputs would be others.
#[test]
fn masks_of_a_run_are_the_same_in_all_pieces() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        let input = backend.random::<3>(1, [2, 9, 3]);
        macro_rules! check {
            ($name:literal, $config:expr) => {
                let layer = backend.fill($config.init(&device).unwrap(), 5);
                let run = |seed: u64, pieces: Option<usize>| {
                    device.seed(seed);
                    let run = match pieces {
                        None => layer.forward(input.clone()).unwrap(),
                        Some(_) => {
                            let again = Recomputed::new(layer.clone(), pieces).unwrap();
                            again.forward(input.clone()).unwrap()
                        }
                    };
                    [values(&run.outputs), state_values(&run.state)].concat()
                };
                let expected = run(SEED, None);
                assert_ne!(run(SEED + 1, None), expected, "{}: nothing is drawn", $name);
                for pieces in [1, 2, 5] {
                    let found = run(SEED, Some(pieces));
                    let what = format!("{}, {} in {pieces} pieces", backend.name, $name);
                    crate::support::assert_close(&what, &found, &expected, backend.tolerance);
                }
            };
        }
        let gru = |gates: GatesConfig| RecurrentConfig::new(GruConfig::new(3, 3).with_gates(gates));
        check!("drop connect", gru(gates().with_drop_connect(0.4)));
        check!("recurrent", gru(gates().with_recurrent_dropout(0.4)));
        let candidate = gates().with_candidate_dropout(0.4);
        check!(
            "candidate",
            gru(candidate.with_candidate_span(MaskSpan::LayerOutput))
        );
        check!(
            "stack",
            DeepConfig::new(gru(gates().with_drop_connect(0.4)), 2)
        );
        let stack = DeepConfig::new(gru(gates()), 3);
        check!(
            "variational",
            stack.with_dropout(0.4).with_variational(true)
        );
        check!(
            "dilated",
            DilatedConfig::new(gru(gates().with_recurrent_dropout(0.4)), 2)
        );
        let lower = gru(gates().with_recurrent_dropout(0.4));
        check!(
            "hierarchical",
            HierarchicalConfig::new(lower, gru(gates()), 2)
        );
    }
}
