//! The recurrence on the CPU, in f32.
//!
//! Recurrent weights are packed once a call, the gates of a unit side by side ([`pack`]). A
//! micro-kernel multiplies a few rows with a block of units, whose sums never leave the registers
//! before the cell's equations have been applied to them ([`product`], [`forward`]). Rows are
//! split over the threads, each of which goes through time by itself; few rows of large cells
//! split their units instead ([`schedule`]). The input's projection is computed some steps at a time,
//! shortly before they are run, and the gates are kept in its place. Backward ([`backward`]) goes
//! through some steps at a time ([`slots`]), and adds what they give to the gradients of the
//! weights while it is in the cache ([`sums`]).
//!
//! SIMD instructions are chosen at run time: AVX-512, AVX2 with FMA, NEON, or none. A result does
//! not depend on the number of threads, nor on how rows are divided among them.

#[cfg(any(feature = "flex", feature = "ndarray"))]
mod additive;
mod backward;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod cross_entropy;
#[cfg(feature = "flex")]
mod flex;
mod forward;
mod gate_weights;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod host;
mod input_gradient;
mod input_product;
mod lanes;
#[cfg(feature = "ndarray")]
mod ndarray;
mod pack;
mod product;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod program;
mod registers;
mod room;
mod rows;
mod schedule;
mod slots;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod totals;

use std::mem::MaybeUninit;

use pulp::Arch;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use rayon::prelude::*;

use crate::operation::Wanted;
use crate::pointwise::{Elman, Gru, Lstm};
use crate::recurrence::{Recurrence, Sizes, Walk};
use room::Room;
pub(crate) use rows::Order;
use rows::Rows;
use schedule::Division;

/// What computes.
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    arch: Arch,
    threads: usize,
}

impl Machine {
    /// The best instructions of this machine, and Rayon's threads.
    pub fn this() -> Self {
        Self {
            arch: Arch::new(),
            threads: rayon::current_num_threads(),
        }
    }

    /// The instructions' name.
    pub fn instructions(self) -> &'static str {
        match self.arch {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V4(_) => "AVX-512",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V3(_) => "AVX2 and FMA",
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => "NEON",
            Arch::Scalar => "no SIMD",
            #[allow(
                unreachable_patterns,
                reason = "other architectures have other instructions"
            )]
            _ => "SIMD",
        }
    }
}

/// Runs `work` on one of the threads that will share it, if they will: each time that a thread
/// from outside hands something over to them and waits, it takes longer than a small product.
fn among_threads<R: Send>(shared: bool, work: impl FnOnce() -> R + Send) -> R {
    match shared {
        true => rayon::scope(|_| work()),
        false => work(),
    }
}

/// Pieces of work that do not read each other, by one thread after the other or by all of them.
#[cfg(any(feature = "flex", feature = "ndarray"))]
#[inline(always)]
fn each(shared: bool, pieces: usize, work: impl Fn(usize) + Sync + Send) {
    match shared {
        true => (0..pieces).into_par_iter().for_each(work),
        false => (0..pieces).for_each(work),
    }
}

/// `W x_t` of the whole sequence, `[T, B, G H]`.
pub(crate) enum Projected<'a> {
    /// Nothing will be kept.
    Read(&'a [f32]),
    /// The gates will be kept here.
    Keep(&'a mut [f32]),
    /// To be computed.
    Product {
        /// `x`: `[T, B, I]`.
        input: &'a [f32],
        /// `W`: `[G H, I]`.
        weight: &'a [f32],
        /// Whether the gates will be kept.
        keep: bool,
    },
}

/// What a run reads; shapes as in [`Inputs`](crate::Inputs).
pub(crate) struct Input<'a> {
    pub weight: &'a [f32],
    pub input_bias: &'a [f32],
    pub recurrent_bias: &'a [f32],
    pub initial: &'a [f32],
}

/// What a run gives.
pub(crate) struct Output {
    /// `[T, B, H]`.
    pub outputs: Vec<f32>,
    /// `[S, B, H]`.
    pub state: Vec<f32>,
    /// `[T, B, (A + S - 1) H]`; empty when nothing was to be kept.
    pub extra: Vec<f32>,
    /// `[T, B, G H]`; empty unless they were to be kept and had no place yet.
    pub gates: Vec<f32>,
}

/// Runs the recurrence.
pub(crate) fn forward(
    machine: Machine,
    recurrence: Recurrence,
    walk: &Walk,
    sizes: Sizes,
    order: Order,
    projected: Projected,
    input: &Input,
) -> Output {
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let keep = match projected {
        Projected::Read(_) => false,
        Projected::Keep(_) => true,
        Projected::Product { keep, .. } => keep,
    };
    let width = recurrence.extra() * hidden;
    // In the padding, where nothing is written, zeros stay.
    let room = |count| match walk.lengths {
        Some(_) => Room::zeroed(count),
        None => Room::new(count),
    };
    let mut outputs = room(time * batch * hidden);
    let mut extra = room(if keep { time * batch * width } else { 0 });
    let mut state = input.initial.to_vec();
    let mut hidden_states = Room::new(2 * batch * hidden);
    let packed = recurrence.gates() * hidden;
    let whole = [time, batch, packed];
    let features = match projected {
        Projected::Product { weight, .. } => weight.len() / packed,
        Projected::Read(_) | Projected::Keep(_) => 0,
    };
    let at_once = schedule::steps_at_once(machine.threads, whole, features);
    let mut gates = match projected {
        Projected::Product { keep: true, .. } => room(time * batch * packed),
        Projected::Product { keep: false, .. } => Room::new(at_once * batch * packed),
        Projected::Read(_) | Projected::Keep(_) => Room::new(0),
    };
    let (projected, product) = match projected {
        Projected::Read(values) => (Rows::read_only(values, order, whole), None),
        Projected::Keep(values) => (Rows::new(values, order, whole), None),
        Projected::Product {
            input,
            weight,
            keep,
        } => {
            let product = input_product::Product {
                input: Rows::read_only(input, order, [time, batch, features]),
                weight,
                at_once,
            };
            let gates = gates.as_mut();
            let gates = match keep {
                true => Rows::unwritten(gates, order, whole),
                false => Rows::unwritten(gates, Order::TimeMajor, [at_once, batch, packed]),
            };
            (gates, Some(product))
        }
    };
    let schedule = Division::new(walk, sizes, input.weight.len(), machine.threads);
    // Of states, there is one after the other in any order.
    let of_states = [recurrence.states(), batch, hidden];

    macro_rules! run {
        ($cell:expr) => {
            machine.arch.dispatch(forward::Sized(forward::Forward {
                cell: $cell,
                walk,
                sizes,
                schedule: &schedule,
                projected,
                product,
                weight: input.weight,
                input_bias: input.input_bias,
                recurrent_bias: input.recurrent_bias,
                initial: Rows::read_only(input.initial, Order::TimeMajor, of_states),
                hidden: Rows::unwritten(
                    hidden_states.as_mut(),
                    Order::TimeMajor,
                    [2, batch, hidden],
                ),
                outputs: Rows::unwritten(outputs.as_mut(), order, [time, batch, hidden]),
                state: Rows::new(&mut state, Order::TimeMajor, of_states),
                extra: keep.then(|| Rows::unwritten(extra.as_mut(), order, [time, batch, width])),
            }))
        };
    }
    among_threads(schedule.is_shared(), || match recurrence {
        Recurrence::Elman(phi) => run!(Elman(phi)),
        Recurrence::Lstm => run!(Lstm),
        Recurrence::Gru => run!(Gru),
    });
    // SAFETY: every valid step of every row has been written; the others were zero. What is not
    // kept is not looked at.
    let [outputs, extra, gates] = unsafe {
        [outputs, extra, if keep { gates } else { Room::new(0) }].map(|room| room.written())
    };
    Output {
        outputs,
        state,
        extra,
        gates,
    }
}

/// What a run left, and the gradients of what it gave.
pub(crate) struct Left<'a> {
    pub kept: KeptGates<'a>,
    pub extra: &'a [f32],
    pub weight: &'a [f32],
    pub initial: &'a [f32],
    pub outputs: &'a [f32],
    pub output_gradient: Option<&'a [f32]>,
    pub state_gradient: Option<&'a [f32]>,
}

/// `[T, B, G H]`, and what they came from.
pub(crate) enum KeptGates<'a> {
    /// Of a projection that was there: its gradient is written in the place of the gates.
    Values(&'a mut [f32]),
    /// Of a product.
    Product {
        gates: &'a [f32],
        /// `x`: `[T, B, I]`.
        input: &'a [f32],
        /// `W`: `[G H, I]`.
        weight: &'a [f32],
        wanted: Wanted,
    },
}

/// The gradients of what a run read, but for that of a projection that was there.
pub(crate) struct Gradients {
    /// `[T, B, I]`; empty unless there is a product and this is wanted.
    pub input: Vec<f32>,
    /// `[G H, I]`; empty unless there is a product and this is wanted.
    pub input_weight: Vec<f32>,
    pub parameters: ParameterGradients,
}

/// Those of what is no sequence.
pub(crate) struct ParameterGradients {
    pub weight: Vec<f32>,
    pub input_bias: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
    pub initial: Vec<f32>,
}

/// Differentiates a run.
pub(crate) fn backward(
    machine: Machine,
    recurrence: Recurrence,
    walk: &Walk,
    sizes: Sizes,
    order: Order,
    left: Left,
) -> Gradients {
    let schedule = Division::new(walk, sizes, left.weight.len(), machine.threads);
    let multiplications = sizes.time * sizes.batch * left.weight.len();
    let shared = schedule.is_shared() || machine.shares(multiplications);
    among_threads(shared, || {
        differentiate(machine, recurrence, walk, sizes, order, &schedule, left)
    })
}

fn differentiate(
    machine: Machine,
    recurrence: Recurrence,
    walk: &Walk,
    sizes: Sizes,
    order: Order,
    schedule: &Division,
    left: Left,
) -> Gradients {
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let packed = recurrence.gates() * hidden;
    let of_states = [recurrence.states(), batch, hidden];
    let sequence = |values, width| Rows::read_only(values, order, [time, batch, width]);
    let mut initial = match left.state_gradient {
        Some(gradient) => gradient.to_vec(),
        None => vec![0.0; recurrence.states() * batch * hidden],
    };

    let (features, wanted) = match &left.kept {
        KeptGates::Values(_) => (0, Wanted::NOTHING),
        KeptGates::Product { weight, wanted, .. } => (weight.len() / packed, *wanted),
    };
    let mut input_gradient = match (wanted.input, &walk.lengths) {
        (false, _) => Room::new(0),
        (true, None) => Room::new(time * batch * features),
        // In the padding, zeros stay.
        (true, Some(_)) => Room::zeroed(time * batch * features),
    };
    let in_place = matches!(left.kept, KeptGates::Values(_));
    let (gates, product) = match left.kept {
        KeptGates::Values(gates) => (Rows::new(gates, order, [time, batch, packed]), None),
        KeptGates::Product {
            gates,
            input,
            weight,
            wanted,
        } => {
            let shape = [time, batch, features];
            let product = backward::ProductGradient {
                input: sequence(input, features),
                weight,
                features,
                gradient: wanted
                    .input
                    .then(|| Rows::unwritten(input_gradient.as_mut(), order, shape)),
            };
            (sequence(gates, packed), Some(product))
        }
    };

    let slots = slots::Slots::most(sizes, packed);
    let apart = recurrence.apart() > 0;
    let summed_features = if wanted.weight { features } else { 0 };
    let factors = hidden + summed_features;
    let mut rooms = [packed, if apart { packed } else { 0 }, factors].map(|w| Room::new(slots * w));
    let [recurrent_room, input_side_room, factors_room] = &mut rooms;
    let together = sums::Together {
        recurrent: place(recurrent_room, slots, packed),
        input_side: apart.then(|| place(input_side_room, slots, packed)),
        factors: place(factors_room, slots, factors),
    };
    let mut sums = sums::Sums::new(apart, packed, hidden, summed_features);

    macro_rules! run {
        ($cell:expr) => {
            machine.arch.dispatch(backward::Sized(backward::Backward {
                cell: $cell,
                machine,
                walk,
                sizes,
                schedule,
                weight: left.weight,
                initial: Rows::read_only(left.initial, Order::TimeMajor, of_states),
                outputs: sequence(left.outputs, hidden),
                output_gradient: left
                    .output_gradient
                    .map(|gradient| sequence(gradient, hidden)),
                gates,
                extra: sequence(left.extra, recurrence.extra() * hidden),
                product,
                together,
                state_gradient: Rows::new(&mut initial, Order::TimeMajor, of_states),
                sums: &mut sums,
            }))
        };
    }
    match recurrence {
        Recurrence::Elman(phi) => run!(Elman(phi)),
        Recurrence::Lstm => run!(Lstm),
        Recurrence::Gru => run!(Gru),
    }

    if let (Some(lengths), true) = (&walk.lengths, in_place) {
        for (row, &length) in lengths.iter().enumerate() {
            for t in length..time {
                // SAFETY: all threads are done.
                unsafe { gates.write(t, row, 0..packed) }.fill(MaybeUninit::new(0.0));
            }
        }
    }
    let sums::Summed {
        weight,
        recurrent_bias,
        input_weight,
        input_bias,
    } = sums.finish();
    Gradients {
        // SAFETY: all valid steps of all rows have been written; the others were zero.
        input: unsafe { input_gradient.written() },
        input_weight,
        parameters: ParameterGradients {
            weight,
            input_bias,
            recurrent_bias,
            initial,
        },
    }
}

/// Rows, one after the other.
fn place(room: &mut Room, count: usize, width: usize) -> Rows<'_> {
    Rows::unwritten(room.as_mut(), Order::TimeMajor, [1, count, width])
}
