//! What the tests of the cells do not see: that instructions and threads change nothing.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::pointwise::Nonlinearity;
use crate::recurrence::Direction;

/// Numbers between -1 and 1, the same for the same seed.
pub(super) fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|_| generator.random_range(-1.0..1.0))
        .collect()
}

/// Everything that a run and its backward write.
fn everything(
    machine: Machine,
    recurrence: Recurrence,
    walk: &Walk,
    sizes: Sizes,
    order: Order,
) -> Vec<(&'static str, Vec<f32>)> {
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let (packed, states) = (recurrence.gates() * hidden, recurrence.states());
    let scale = 1.0 / (hidden as f32).sqrt();
    let weight: Vec<f32> = random(1, packed * hidden)
        .iter()
        .map(|x| x * scale)
        .collect();
    let (input_bias, recurrent_bias) = (random(2, packed), random(3, packed));
    let initial = random(4, states * batch * hidden);
    let input = Input {
        weight: &weight,
        input_bias: &input_bias,
        recurrent_bias: &recurrent_bias,
        initial: &initial,
    };
    let mut gates = random(5, time * batch * packed);
    let (x, input_weight) = (
        random(8, time * batch * FEATURES),
        random(9, packed * FEATURES),
    );
    let run =
        |projected: Projected| forward(machine, recurrence, walk, sizes, order, projected, &input);
    let product = |keep| Projected::Product {
        input: &x,
        weight: &input_weight,
        keep,
    };

    let alone = run(Projected::Read(&gates));
    let kept = run(Projected::Keep(&mut gates));
    let (alone_of_product, kept_of_product) = (run(product(false)), run(product(true)));
    let (output_gradient, state_gradient) = (
        random(6, time * batch * hidden),
        random(7, states * batch * hidden),
    );
    let mut everything = Vec::new();
    for (alone, kept, is_product) in [
        (alone, kept, false),
        (alone_of_product, kept_of_product, true),
    ] {
        assert_eq!(alone.outputs, kept.outputs, "keeping changes nothing");
        assert_eq!(alone.state, kept.state, "keeping changes nothing");
        let left = Left {
            kept: match is_product {
                true => KeptGates::Product {
                    gates: &kept.gates,
                    input: &x,
                    weight: &input_weight,
                    wanted: Wanted {
                        input: true,
                        weight: true,
                    },
                },
                false => KeptGates::Values(&mut gates),
            },
            extra: &kept.extra,
            weight: &weight,
            initial: &initial,
            outputs: &kept.outputs,
            output_gradient: Some(&output_gradient),
            state_gradient: Some(&state_gradient),
        };
        let gradients = backward(machine, recurrence, walk, sizes, order, left);
        everything.extend([
            ("outputs", kept.outputs),
            ("state", kept.state),
            ("d input", gradients.input),
            ("d input weight", gradients.input_weight),
            ("d weight", gradients.parameters.weight),
            ("d input bias", gradients.parameters.input_bias),
            ("d recurrent bias", gradients.parameters.recurrent_bias),
            ("d initial", gradients.parameters.initial),
        ]);
    }
    everything.push(("d projected", gates));
    everything
}

/// Of the input: more than a register holds.
const FEATURES: usize = 21;

const RECURRENCES: [Recurrence; 5] = [
    Recurrence::Elman(Nonlinearity::Tanh),
    Recurrence::Elman(Nonlinearity::Relu),
    Recurrence::Elman(Nonlinearity::Sigmoid),
    Recurrence::Lstm,
    Recurrence::Gru,
];

/// Rows, steps and units past the sizes in which the kernel works.
fn sizes() -> [Sizes; 7] {
    [
        [1, 1, 37],
        [2, 2, 19],
        [5, 3, 19],
        [3, 17, 37],
        [4, 9, 70],
        [2, 3, 600],
        // More than is projected at once.
        [90, 3, 200],
    ]
    .map(|[time, batch, hidden]| Sizes {
        time,
        batch,
        hidden,
    })
}

pub(super) fn walks(sizes: Sizes) -> [Walk; 3] {
    let lengths: Vec<usize> = (0..sizes.batch)
        .map(|row| row * 7 % (sizes.time + 1))
        .collect();
    let walk = |direction, lengths| Walk { direction, lengths };
    [
        walk(Direction::Forward, None),
        walk(Direction::Reverse, None),
        walk(Direction::Reverse, Some(lengths.into())),
    ]
}

/// Runs `work` on so many threads.
pub(super) fn with_threads<R: Send>(threads: usize, work: impl FnOnce(Machine) -> R + Send) -> R {
    let arch = Machine::this().arch;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let machine = Machine { arch, threads };
    pool.build().unwrap().install(|| work(machine))
}

/// That instructions and threads change nothing of what is computed: the same numbers on any number of threads,
/// and about the same with any instructions.
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub(super) fn agree<const N: usize>(
    what: &str,
    everything: impl Fn(Machine) -> [Vec<f32>; N] + Sync,
) {
    let bits = |all: [Vec<f32>; N]| all.map(|part| part.into_iter().map(f32::to_bits).collect());
    let of = |threads| -> [Vec<u32>; N] { bits(with_threads(threads, &everything)) };
    let one = of(1);
    for threads in [2, 3, 7] {
        assert!(one == of(threads), "{what}: {threads} threads");
    }
    let machines = machines();
    let plainest = everything(machines[0]);
    for &machine in &machines[1..] {
        let found = everything(machine);
        for (part, (expected, found)) in plainest.iter().zip(found).enumerate() {
            let largest = expected.iter().fold(0.0f32, |max, x| max.max(x.abs()));
            for (&expected, found) in expected.iter().zip(found) {
                assert!(
                    (expected - found).abs() <= 1e-5 * largest,
                    "{what} {}: part {part}: {found}, not {expected}",
                    machine.instructions()
                );
            }
        }
    }
}

/// One thread with each kind of instructions that this machine has, the plainest first.
pub(super) fn machines() -> Vec<Machine> {
    let mut machines = vec![Machine {
        arch: Arch::Scalar,
        threads: 1,
    }];
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        machines.push(Machine {
            arch: Arch::V3(v3),
            threads: 1,
        });
    }
    machines.push(Machine::this());
    machines
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for sizes in sizes() {
        for (walk, recurrence) in walks(sizes)
            .iter()
            .flat_map(|walk| RECURRENCES.map(|recurrence| (walk, recurrence)))
        {
            let of = |threads| {
                with_threads(threads, |machine| {
                    everything(machine, recurrence, walk, sizes, Order::BatchMajor)
                })
            };
            let one = of(1);
            for threads in [2, 3] {
                for ((name, one), (_, several)) in one.iter().zip(of(threads)) {
                    let same = one
                        .iter()
                        .zip(&several)
                        .all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(
                        same,
                        "{recurrence:?} {sizes:?}: {name} with {threads} threads"
                    );
                }
            }
        }
    }
}

#[test]
fn instructions_agree() {
    let machines = machines();
    for sizes in sizes() {
        for (walk, recurrence) in walks(sizes)
            .iter()
            .flat_map(|walk| RECURRENCES.map(|recurrence| (walk, recurrence)))
        {
            let reference = everything(machines[0], recurrence, walk, sizes, Order::BatchMajor);
            for &machine in &machines[1..] {
                let found = everything(machine, recurrence, walk, sizes, Order::BatchMajor);
                for ((name, expected), (_, found)) in reference.iter().zip(found) {
                    let largest = expected.iter().fold(0.0f32, |max, x| max.max(x.abs()));
                    for (&expected, found) in expected.iter().zip(found) {
                        assert!(
                            (expected - found).abs() <= 1e-5 * largest,
                            "{recurrence:?} {sizes:?} {}: {name}: {found}, not {expected}",
                            machine.instructions()
                        );
                    }
                }
            }
        }
    }
}
