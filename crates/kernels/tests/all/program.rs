//! Programs against the same equations on tensors: outputs, final states and the gradient of
//! everything that is read, for equations of every kind.

use backdraft_kernels::{Direction, Expression, Program, ProgramInputs, Shapes, Walk, run_program};
use burn::tensor::{Device, Tensor, TensorData};

use crate::numbers::{Numbers, devices, values};

/// What equations are given.
struct Given<V: Expression> {
    projected: V,
    state: Vec<V>,
    matrices: Vec<V::Matrix>,
    vectors: Vec<V>,
}

/// Equations and their shapes, for `hidden` units.
trait Case {
    fn shapes(&self, hidden: usize) -> Shapes;
    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V>;
}

fn shapes(projected: usize, state: &[usize], matrices: &[[usize; 2]], vectors: &[usize]) -> Shapes {
    Shapes {
        projected,
        state: state.to_vec(),
        matrices: matrices.to_vec(),
        vectors: vectors.to_vec(),
    }
}

/// The LSTM with peepholes and a projection.
struct PeepholeProjection;

impl Case for PeepholeProjection {
    fn shapes(&self, h: usize) -> Shapes {
        let p = h.div_ceil(2);
        shapes(4 * h, &[p, h], &[[4 * h, p], [p, h]], &[4 * h, 3 * h])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let [h, c] = [0, 1].map(|s| given.state[s].clone());
        let recurrent = h.linear(&given.matrices[0]) + given.vectors[0].clone();
        let [i, f, g, o] = (given.projected + recurrent).split();
        let [pi, pf, po] = given.vectors[1].split();
        let i = (i + pi * c.clone()).sigmoid();
        let f = (f + pf * c.clone()).sigmoid();
        let c = f * c + i * g.tanh();
        let o = (o + po * c.clone()).sigmoid();
        let h = (o * c.clone().tanh()).linear(&given.matrices[1]);
        vec![h, c.clamp(-0.4, 0.4)]
    }
}

/// Normalised gates and cell.
struct Normalized;

/// So large that a row of one or two numbers has a gradient that is more than rounding errors.
const EPSILON: f64 = 0.1;

impl Case for Normalized {
    fn shapes(&self, h: usize) -> Shapes {
        shapes(2 * h, &[h], &[[2 * h, h]], &[2 * h, h, h])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let h = given.state[0].clone();
        let gain = given.vectors[0].clone();
        let recurrent = h.linear(&given.matrices[0]).normalize(EPSILON) * gain;
        let [z, n] = (given.projected + recurrent).split();
        let z = z.sigmoid();
        let next = z.clone() * h + z.complement() * n.tanh();
        let [gain, bias] = [1, 2].map(|v| given.vectors[v].clone());
        vec![next.normalize(EPSILON) * gain + bias]
    }
}

/// A product of what a gate let through, and no bias.
struct ResetBefore;

impl Case for ResetBefore {
    fn shapes(&self, h: usize) -> Shapes {
        shapes(3 * h, &[h], &[[2 * h, h], [h, h]], &[])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let h = given.state[0].clone();
        let [xr, xz, xn] = given.projected.split();
        let [hr, hz] = h.linear(&given.matrices[0]).split();
        let r = (xr + hr).sigmoid();
        let z = (xz + hz).sigmoid();
        let n = (xn + (r * h.clone()).linear(&given.matrices[1])).tanh();
        vec![n.clone() + z * (h - n)]
    }
}

/// Exponential gates with a stabiliser: maximum, logarithm, quotient.
struct Exponential;

impl Case for Exponential {
    fn shapes(&self, h: usize) -> Shapes {
        shapes(4 * h, &[h, h, h, h], &[[4 * h, h]], &[])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let [h, c, n, m] = [0, 1, 2, 3].map(|s| given.state[s].clone());
        let [i, f, z, o] = (given.projected + h.linear(&given.matrices[0])).split();
        let f = f.log_sigmoid();
        let next_m = (f.clone() + m.clone()).maximum(i.clone());
        let i = (i - next_m.clone()).exp();
        let f = (f + m - next_m.clone()).exp();
        let c = f.clone() * c + i.clone() * z.tanh();
        let n = (f * n + i).maximum(next_m.clone().affine(-1.0, 0.0).exp());
        let h = o.sigmoid() * c.clone() / n.clone();
        vec![h, c, n, next_m]
    }
}

/// Diagonal recurrence with bounded weights, which are the same for all; a state that moves on.
struct Diagonal;

impl Case for Diagonal {
    fn shapes(&self, h: usize) -> Shapes {
        shapes(h, &[h, h], &[], &[h])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let [h, earlier] = [0, 1].map(|s| given.state[s].clone());
        let u = given.vectors[0].clone().clamp(-0.5, 0.5).tanh();
        let next = (given.projected + u.clone() * h.clone() + u * earlier).relu();
        vec![next, h]
    }
}

/// Two outputs of one product each read twice, rows side by side, parts that overlap.
struct Jumbled;

impl Case for Jumbled {
    fn shapes(&self, h: usize) -> Shapes {
        shapes(2 * h, &[h, 2 * h], &[[h, 3 * h], [h, h]], &[h])
    }

    fn equations<V: Expression>(&self, given: Given<V>) -> Vec<V> {
        let h = given.state[0].width();
        let both = V::concat(&[given.state[0].clone(), given.state[1].clone()]);
        let a = both.linear(&given.matrices[0]);
        let b = a.clone().tanh().linear(&given.matrices[1]);
        let wide = given.projected.clone().sigmoid() * given.state[1].clone();
        let overlap = wide.narrow(h / 2, h) + wide.narrow(0, h);
        let first = (a.clone() + b.clone() + overlap).tanh();
        let second = V::concat(&[a.clone() + a.clone(), b + given.vectors[0].clone()]);
        vec![first, (second + given.projected).tanh()]
    }
}

/// The equations step by step on tensors.
fn unrolled<C: Case>(case: &C, walk: &Walk, inputs: &ProgramInputs) -> (Tensor<3>, Vec<Tensor<2>>) {
    let [time, batch, width] = inputs.projected.dims();
    let mut state = inputs.initial.clone();
    let mut outputs = vec![None; time];
    for t in walk.direction.order(time) {
        let step = inputs.projected.clone().slice_dim(0, t..t + 1);
        let next = case.equations(Given {
            projected: step.reshape([batch, width]),
            state: state.clone(),
            matrices: inputs.matrices.clone(),
            vectors: inputs
                .vectors
                .iter()
                .map(|v| v.clone().unsqueeze())
                .collect(),
        });
        let valid: Vec<f32> = (0..batch)
            .map(|row| walk.lengths.as_ref().is_none_or(|l| t < l[row]) as u8 as f32)
            .collect();
        let valid = Tensor::<2>::from_data(TensorData::new(valid, [batch, 1]), &next[0].device());
        let there = valid.greater_elem(0.5);
        let select = |next: Tensor<2>, last: Tensor<2>| {
            last.mask_where(there.clone().expand(next.shape()), next)
        };
        let zeros = next[0].zeros_like();
        outputs[t] = Some(select(next[0].clone(), zeros));
        state = next
            .into_iter()
            .zip(state)
            .map(|(n, l)| select(n, l))
            .collect();
    }
    (
        Tensor::stack(outputs.into_iter().flatten().collect(), 0),
        state,
    )
}

type Found = Vec<(String, Vec<f32>)>;

fn found(
    inputs: &ProgramInputs,
    (outputs, state): (Tensor<3>, Vec<Tensor<2>>),
    loss_of: [bool; 2],
) -> Found {
    let mut weights = Numbers::new(9);
    let device = outputs.device();
    let mut found: Found = vec![("outputs".into(), values(outputs.clone()))];
    let mut losses = Vec::new();
    let weight = weights.tensor(1.0, outputs.dims(), &device).detach();
    if loss_of[0] {
        losses.push((outputs * weight).sum());
    }
    for (s, tensor) in state.into_iter().enumerate() {
        found.push((format!("state {s}"), values(tensor.clone())));
        let weight = weights.tensor(1.0, tensor.dims(), &device).detach();
        if loss_of[1] {
            losses.push((tensor * weight).sum());
        }
    }
    let loss = losses.into_iter().reduce(|a, b| a + b).expect("a loss");
    let gradients = loss.backward();
    let mut push = |name: String, gradient: Option<Vec<f32>>, count: usize| {
        found.push((name, gradient.unwrap_or_else(|| vec![0.0; count])));
    };
    let projected = &inputs.projected;
    push(
        "d projected".into(),
        projected.grad(&gradients).map(values),
        projected.shape().num_elements(),
    );
    for (name, tensors) in [
        ("d matrix", &inputs.matrices),
        ("d initial", &inputs.initial),
    ] {
        for (index, tensor) in tensors.iter().enumerate() {
            let count = tensor.shape().num_elements();
            push(
                format!("{name} {index}"),
                tensor.grad(&gradients).map(values),
                count,
            );
        }
    }
    for (index, vector) in inputs.vectors.iter().enumerate() {
        let count = vector.dims()[0];
        push(
            format!("d vector {index}"),
            vector.grad(&gradients).map(values),
            count,
        );
    }
    found
}

fn check<C: Case>(name: &str, case: C) {
    let devices: Vec<Device> = devices().into_iter().map(Device::autodiff).collect();
    let sizes = [
        (1, 1, 1),
        (3, 1, 2),
        (5, 7, 5),
        (4, 9, 17),
        (7, 3, 33),
        (2, 19, 70),
        (90, 2, 3),
    ];
    for device in &devices {
        for (index, (time, batch, hidden)) in sizes.into_iter().enumerate() {
            for (direction, ragged) in [
                (Direction::Forward, false),
                (Direction::Reverse, false),
                (Direction::Forward, true),
                (Direction::Reverse, true),
            ] {
                let mut numbers = Numbers::new(index as u64);
                let lengths: Option<Vec<usize>> =
                    ragged.then(|| (0..batch).map(|row| (row * 7 + 3) % (time + 1)).collect());
                let shapes = case.shapes(hidden);
                let scale = 1.0 / (hidden as f32).sqrt();
                let inputs = ProgramInputs {
                    projected: numbers.tensor(1.0, [time, batch, shapes.projected], device),
                    matrices: shapes
                        .matrices
                        .iter()
                        .map(|&shape| numbers.tensor(scale, shape, device))
                        .collect(),
                    vectors: shapes
                        .vectors
                        .iter()
                        .map(|&width| numbers.tensor(1.0, [width], device))
                        .collect(),
                    initial: shapes
                        .state
                        .iter()
                        .map(|&units| numbers.tensor(1.0, [batch, units], device))
                        .collect(),
                };
                let walk = Walk {
                    direction,
                    lengths: lengths.clone().map(Into::into),
                };
                let program = Program::record(shapes, |given| {
                    case.equations(Given {
                        projected: given.projected,
                        state: given.state,
                        matrices: given.matrices,
                        vectors: given.vectors,
                    })
                });
                for loss_of in [[true, true], [true, false], [false, true]] {
                    let run = run_program(&program, walk.clone(), inputs.clone());
                    let ours = found(&inputs, (run.outputs, run.state), loss_of);
                    let theirs = found(&inputs, unrolled(&case, &walk, &inputs), loss_of);
                    for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
                        let largest = theirs.iter().fold(0.0f32, |max, x| max.max(x.abs()));
                        for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
                            let error = (a - b).abs();
                            assert!(
                                error <= 1e-5 * largest.max(1e-2),
                                "{name}: {what}[{index}]: {a}, not {b}, of {largest}; \
                                 T {time} B {batch} H {hidden} {direction:?} {lengths:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

macro_rules! tests {
    ($($name:ident $case:expr;)+) => {$(
        #[test]
        fn $name() {
            check(stringify!($name), $case);
        }
    )+};
}
tests! {
    peepholes_and_projection PeepholeProjection;
    normalized Normalized;
    reset_before ResetBefore;
    exponential Exponential;
    diagonal Diagonal;
    jumbled Jumbled;
}
