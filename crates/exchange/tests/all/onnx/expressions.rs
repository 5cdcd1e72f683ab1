//! Weights and states that are expressions of constants, each worked out by hand.

use backdraft_exchange::onnx::{Directed, Error, Given, Model, OnnxLayer, Recurrence};
use burn::tensor::{Device, Tensor};

use super::message::{attribute, field, float, int, model, node, number, tensor, zeros};
use super::only_layer;

fn reals(name: &str, dims: &[i64], values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, 1, dims, &raw)
}

fn wholes(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, 7, &[values.len() as i64], &raw)
}

fn ints(name: &str, values: &[i64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|&value| number(8, value)).collect();
    attribute(name, values, 7)
}

/// 0.0 to 5.0 as `[2, 3]`.
fn stored() -> Vec<u8> {
    reals("s", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
}

/// An RNN whose W is what `nodes` compute as `w output`, with `[1, 2, _]` weights.
fn rnn(set: i64, nodes: &[Vec<u8>], tensors: &[Vec<u8>]) -> Result<OnnxLayer, Error> {
    let last = node("RNN", "n", &["x", "w output", "r"], &[]);
    let nodes = [nodes, &[last]].concat();
    let tensors = [tensors, &[stored(), zeros("r", &[1, 2, 2])]].concat();
    only_layer(&Model::from_bytes(&model(set, &nodes, &tensors))?)
}

/// The W of that RNN, row by row.
#[track_caller]
fn weights(set: i64, nodes: &[Vec<u8>], tensors: &[Vec<u8>]) -> Vec<f32> {
    let layer = rnn(set, nodes, tensors).unwrap();
    let Recurrence::Rnn(Directed::One(rnn)) = layer.recurrence else {
        panic!("an RNN in one direction");
    };
    let weights = rnn.cell.gates.input_weight.val().into_data();
    weights.iter().collect()
}

/// What an expression of the weights ends with: an axis before the others.
fn unsqueezed(input: &str) -> Vec<u8> {
    node("Unsqueeze", "w", &[input, "zero"], &[])
}

fn zero() -> Vec<u8> {
    wholes("zero", &[0])
}

#[test]
fn slices_go_both_ways_and_end_where_the_tensor_does() {
    let slice = |starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
        let inputs = ["s", "starts", "ends", "axes", "steps"];
        let nodes = [node("Slice", "a", &inputs, &[]), unsqueezed("a output")];
        let lists = [starts, ends, axes, steps].into_iter().zip(&inputs[1..]);
        let mut tensors: Vec<Vec<u8>> = lists.map(|(list, name)| wholes(name, list)).collect();
        tensors.push(zero());
        weights(22, &nodes, &tensors)
    };
    assert_eq!(slice(&[1], &[i64::MAX], &[1], &[1]), [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(slice(&[-2], &[-1], &[-1], &[1]), [1.0, 4.0]);
    assert_eq!(slice(&[0], &[3], &[1], &[2]), [0.0, 2.0, 3.0, 5.0]);
    // Backwards to before the first: an end that is far below 0.
    let turned = slice(&[-1, 9], &[i64::MIN, -9], &[0, 1], &[-1, -2]);
    assert_eq!(turned, [5.0, 3.0, 2.0, 0.0]);
    assert_eq!(slice(&[0], &[3], &[1], &[i64::MAX]), [0.0, 3.0]);
    // As attributes, before operator set 10; the axes are then the first ones.
    let old = [ints("starts", &[0, 1]), ints("ends", &[2, 2])];
    let nodes = [
        node("Slice", "a", &["s"], &old),
        node("Unsqueeze", "w", &["a output"], &[ints("axes", &[0])]),
    ];
    assert_eq!(weights(9, &nodes, &[]), [1.0, 4.0]);
}

#[test]
fn tensors_are_joined_turned_and_reshaped() {
    let joined = node("Concat", "a", &["s", "t"], &[int("axis", -1)]);
    let tensors = [reals("t", &[2, 1], &[7.0, 8.0]), zero()];
    assert_eq!(
        weights(22, &[joined, unsqueezed("a output")], &tensors),
        [0.0, 1.0, 2.0, 7.0, 3.0, 4.0, 5.0, 8.0]
    );
    // [2, 3] to [3, 2] to [1, 2, 3]: -1 is what is left.
    let turned = node("Transpose", "a", &["s"], &[ints("perm", &[1, 0])]);
    let shaped = node("Reshape", "w", &["a output", "shape"], &[]);
    let shape = wholes("shape", &[1, 2, -1]);
    let nodes = [turned, shaped];
    assert_eq!(
        weights(22, &nodes, std::slice::from_ref(&shape)),
        [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    );
    // Without an order, the axes the other way round; 0 is the extent that there was.
    let turned = node("Transpose", "a", &["s"], &[]);
    let more = node("Unsqueeze", "b", &["a output", "zero"], &[]);
    let shaped = node("Reshape", "w", &["b output", "shape"], &[]);
    let tensors = [zero(), wholes("shape", &[0, 2, 3])];
    assert_eq!(
        weights(22, &[turned, more, shaped], &tensors),
        [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    );
    // Axes of extent 1 come and go: all of them, or those that are named.
    let more = node("Unsqueeze", "a", &["s", "axes"], &[]);
    let less = node("Squeeze", "b", &["a output", "one"], &[]);
    let all = node("Squeeze", "c", &["b output"], &[]);
    let nodes = [more, less, all, unsqueezed("c output")];
    let tensors = [wholes("axes", &[0, -1, 2]), wholes("one", &[-1]), zero()];
    assert_eq!(
        weights(22, &nodes, &tensors),
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    );
}

#[test]
fn numbers_become_of_another_type() {
    let half: Vec<u8> = [0x3c00u16, 0xc100]
        .iter()
        .flat_map(|bits| bits.to_le_bytes())
        .collect();
    let nodes = |to| {
        let twice = node("Identity", "b", &["a output"], &[]);
        [
            node("Cast", "a", &["h"], &[int("to", to), int("saturate", 1)]),
            twice,
            unsqueezed("b output"),
        ]
    };
    let tensors = [tensor("h", 10, &[2, 1], &half), zero()];
    assert_eq!(weights(22, &nodes(1), &tensors), [1.0, -2.5]);
    let told = rnn(22, &nodes(9), &tensors).unwrap_err().to_string();
    assert_eq!(
        told,
        "node `a output`: attribute `to`: expected FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT32 or INT64, \
         found Some(9)"
    );
}

#[test]
fn constants_are_numbers_too() {
    let axes = node("Constant", "c", &[], &[ints("value_ints", &[0])]);
    let nodes = [node("Unsqueeze", "w", &["s", "c output"], &[]), axes];
    assert_eq!(weights(22, &nodes, &[]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn expressions_that_cannot_be_computed() {
    let told = |nodes: &[Vec<u8>], tensors: &[Vec<u8>]| {
        let tensors = [tensors, &[zero()]].concat();
        rnn(22, nodes, &tensors).unwrap_err().to_string()
    };
    let of = |operator: &str, inputs: &[&str], attributes: &[Vec<u8>], lists: &[Vec<u8>]| {
        let nodes = [
            node(operator, "a", inputs, attributes),
            unsqueezed("a output"),
        ];
        told(&nodes, lists)
    };
    assert_eq!(
        of(
            "Concat",
            &["s", "t"],
            &[int("axis", 0)],
            &[zeros("t", &[2, 2])]
        ),
        "tensor `a output`, of Concat: expected tensors that differ along axis 0 at most, \
         found [([2, 3], F32), ([2, 2], F32)]"
    );
    assert_eq!(
        of("Concat", &["s", "zero"], &[int("axis", 0)], &[]),
        "tensor `a output`, of Concat: expected tensors that differ along axis 0 at most, \
         found [([2, 3], F32), ([1], I64)]"
    );
    assert_eq!(
        of("Concat", &["s", "s"], &[int("axis", 2)], &[]),
        "tensor `a output`, of Concat: expected axes of 2, each once, found [2]"
    );
    assert_eq!(
        of("Concat", &["s", "s"], &[], &[]),
        "tensor `a output`, of Concat: expected an axis, found \"none\""
    );
    assert_eq!(
        of("Transpose", &["s"], &[ints("perm", &[0])], &[]),
        "tensor `a output`, of Transpose: expected an order of 2 axes, found [0]"
    );
    assert_eq!(
        of("Transpose", &["s"], &[ints("perm", &[1, -1])], &[]),
        "tensor `a output`, of Transpose: expected axes of 2, each once, found [1, -1]"
    );
    assert_eq!(
        of("Squeeze", &["s", "zero"], &[], &[]),
        "tensor `a output`, of Squeeze: expected 1 element along the axes [0], found [2, 3]"
    );
    let axes = wholes("axes", &[0; 7]);
    assert_eq!(
        of("Unsqueeze", &["s", "axes"], &[], &[axes]),
        "tensor `a output`, of Unsqueeze: expected at most 8 dimensions, found 9"
    );
    for shape in [
        &[4, -1][..],
        &[-1, -1],
        &[0, 0, 0],
        &[i64::MAX, i64::MAX],
        &[-2, -3],
        &[0, -1],
    ] {
        let told = of(
            "Reshape",
            &["s", "shape"],
            &[int("allowzero", 1)],
            &[wholes("shape", shape)],
        );
        assert_eq!(
            told,
            format!(
                "tensor `a output`, of Reshape: expected a shape of 6 elements, found {shape:?}"
            )
        );
    }
    let lists = |steps| [wholes("one", &[1]), wholes("steps", steps)];
    let slice = ["s", "zero", "one", "zero", "steps"];
    for (steps, counts) in [(&[0][..], [1, 1, 1, 1]), (&[1, 1], [1, 1, 1, 2])] {
        assert_eq!(
            of("Slice", &slice, &[], &lists(steps)),
            format!(
                "tensor `a output`, of Slice: expected a start, an end and a step for each axis, \
                 found {counts:?}"
            )
        );
    }
    assert_eq!(
        of("Slice", &["s", "s", "zero"], &[], &[]),
        "tensor `a output`, of Slice: expected a list of whole numbers, found (F32, [2, 3])"
    );
    assert_eq!(
        of("Transpose", &["s"], &[int("axis", 0)], &[]),
        "node `a output`: attribute `axis`: expected an attribute that the operator has, once, \
         found \"axis\""
    );
    assert_eq!(
        of("Identity", &[], &[], &[]),
        "tensor `a output`, of Identity: expected one input, found 0"
    );
    let open = |found: &str| {
        format!(
            "node `n`: input `W`: expected what the model stores, or a constant expression of it, or a \
             tensor handed in, found {found}"
        )
    };
    assert_eq!(
        of("Concat", &["s", "u"], &[int("axis", 0)], &[]),
        open("`u`, which the model is fed")
    );
    assert_eq!(
        of("MatMul", &["s", "s"], &[], &[]),
        open("`a output`, which MatMul gives")
    );
    assert_eq!(
        of("Concat", &["s", "w output"], &[int("axis", 0)], &[]),
        open("`w output`, which is made of itself")
    );
}

/// Tensors of a tensor twice, and so on: 2^60 numbers of one.
#[test]
fn expressions_do_not_grow() {
    let mut nodes = Vec::new();
    let mut last = "s".to_string();
    for index in 0..60 {
        let name = format!("a{index}");
        nodes.push(node("Concat", &name, &[&last, &last], &[int("axis", 0)]));
        last = format!("{name} output");
    }
    nodes.push(unsqueezed(&last));
    let told = rnn(22, &nodes, &[zero()]).unwrap_err().to_string();
    assert!(
        told.ends_with(
            "of Concat: expected no more than 16 times what is stored for it, found more"
        ),
        "{told}"
    );
    // Empty ones of which the places cannot be counted.
    let empty = reals("e", &[0, 1 << 59], &[]);
    let inputs = ["e"; 64];
    let joined = node("Concat", "a", &inputs, &[int("axis", 1)]);
    let told = rnn(22, &[joined, unsqueezed("a output")], &[empty, zero()]);
    assert_eq!(
        told.unwrap_err().to_string(),
        format!(
            "tensor `a output`, of Concat: expected a shape that can be counted, found [0, {}]",
            usize::MAX
        )
    );
    // Of nothing there may be any number of tensors, each looked at once.
    let empty = reals("s", &[0, 3], &[]);
    let last = node("RNN", "n", &["x", "w output", "r"], &[]);
    let nodes = [nodes, vec![last]].concat();
    let tensors = [empty, zero(), zeros("r", &[1, 2, 2])];
    let told = only_layer(&Model::from_bytes(&model(22, &nodes, &tensors)).unwrap()).unwrap_err();
    assert_eq!(
        told.to_string(),
        "node `n`: input `W`: expected shape [1, 2, 3], found [1, 0, 3]"
    );
}

#[test]
fn chains_are_not_followed_for_ever() {
    let chain = |length: usize| {
        let mut nodes = vec![node("Identity", "0", &["s"], &[])];
        for index in 1..length {
            let input = format!("{} output", index - 1);
            nodes.push(node("Identity", &index.to_string(), &[&input], &[]));
        }
        nodes.push(unsqueezed(&format!("{} output", length - 1)));
        rnn(22, &nodes, &[zero()])
    };
    chain(99).unwrap();
    for length in [100, 100_000] {
        let told = chain(length).unwrap_err().to_string();
        assert!(
            told.ends_with(
                "of Identity: expected at most 100 nodes, one behind the other, found more"
            ),
            "{told}"
        );
    }
}

/// A GRU of three units whose state is what `nodes` compute as `h output`.
fn gru(nodes: &[Vec<u8>], tensors: &[Vec<u8>]) -> Result<OnnxLayer, Error> {
    let sizes = [int("hidden_size", 3)];
    let last = node("GRU", "n", &["x", "w", "r", "", "", "h output"], &sizes);
    let nodes = [nodes, &[last]].concat();
    let tensors = [tensors, &[zeros("w", &[1, 9, 2]), zeros("r", &[1, 9, 3])]].concat();
    only_layer(&Model::from_bytes(&model(22, &nodes, &tensors))?)
}

/// The shape `[1, batch, units]`, of which the batch is that of the input.
fn shape(units: i64) -> Vec<Vec<u8>> {
    let shape = node("Shape", "x", &["x"], &[int("start", 1), int("end", 2)]);
    let units = node("Constant", "units", &[], &[ints("value_ints", &[units])]);
    let one = node("Constant", "one", &[], &[ints("value_ints", &[1])]);
    let inputs = ["one output", "x output", "units output"];
    let all = node("Concat", "shape", &inputs, &[int("axis", 0)]);
    vec![shape, units, one, all]
}

/// The state, if the GRU runs from zeros where it is given none.
fn begins_with_zeros(layer: &OnnxLayer) -> bool {
    let x = Tensor::<3>::zeros([2, 4, 2], &Device::flex());
    let run = layer.forward(x, Given::default());
    // With weights of zeros, the state is halved at each step.
    run.is_ok_and(|run| run.y_h.abs().max().into_scalar::<f64>() == 0.0)
}

#[test]
fn zeros_of_any_batch_are_no_state() {
    let filled = |value: f32, units: i64| {
        let value = field(5, tensor("", 1, &[1], &value.to_le_bytes()));
        let value = attribute("value", value, 4);
        let state = node("ConstantOfShape", "h", &["shape output"], &[value]);
        gru(&[shape(units), vec![state]].concat(), &[])
    };
    assert!(begins_with_zeros(&filled(0.0, 3).unwrap()));
    assert!(!begins_with_zeros(&filled(0.5, 3).unwrap()));
    let told = filled(0.0, 5).unwrap_err().to_string();
    assert!(
        told.contains("input `initial_h`: expected 3 units, the node's hidden_size, found 5;"),
        "{told}"
    );

    let expanded = |stored: Vec<u8>, units| {
        let state = node("Expand", "h", &["o", "shape output"], &[]);
        gru(&[shape(units), vec![state]].concat(), &[stored])
    };
    assert!(begins_with_zeros(&expanded(zeros("o", &[]), 3).unwrap()));
    // An extent of 1 takes that of the other.
    assert!(begins_with_zeros(
        &expanded(zeros("o", &[1, 1, 3]), 1).unwrap()
    ));
    assert!(expanded(zeros("o", &[1, 1, 5]), 1).is_err());
    let small = reals("o", &[1], &[1e-30]);
    assert!(!begins_with_zeros(&expanded(small, 3).unwrap()));

    // Stored for the batch of the export.
    let identity = [node("Identity", "h", &["o"], &[])];
    assert!(begins_with_zeros(
        &gru(&identity, &[zeros("o", &[1, 7, 3])]).unwrap()
    ));
    let ones = reals("o", &[1, 1, 3], &[1.0, 0.0, 0.0]);
    assert!(!begins_with_zeros(&gru(&identity, &[ones]).unwrap()));
    // What is fed is not known, and neither is what is made of itself.
    assert!(!begins_with_zeros(&gru(&identity, &[]).unwrap()));
    let circle = [node("Identity", "h", &["h output"], &[])];
    assert!(!begins_with_zeros(&gru(&circle, &[]).unwrap()));
}

#[test]
fn zeros_stay_zeros_behind_what_moves_them() {
    let behind = |first: &str, nodes: &[Vec<u8>]| {
        let zeros = node(first, "z", &["o", "shape output"], &[]);
        let nodes = [shape(3), vec![zeros], nodes.to_vec()].concat();
        let tensors = [
            reals("o", &[1], &[0.0]),
            wholes("l", &[0]),
            wholes("e", &[1]),
        ];
        begins_with_zeros(&gru(&nodes, &tensors).unwrap())
    };
    let slice = node("Slice", "a", &["z output", "l", "e", "l"], &[]);
    let both = node("Concat", "b", &["a output", "a output"], &[int("axis", 2)]);
    let turned = node("Transpose", "c", &["b output"], &[ints("perm", &[1, 0, 2])]);
    let cast = node("Cast", "h", &["c output"], &[int("to", 1)]);
    let nodes = [slice, both, turned, cast];
    assert!(behind("Expand", &nodes));
    assert!(!behind("Tile", &nodes));
    // Twice, and so on: each is looked at once.
    let mut doubled = vec![node("Identity", "0", &["z output"], &[])];
    for index in 1..60 {
        let last = format!("{} output", index - 1);
        let inputs = [last.as_str(), last.as_str()];
        doubled.push(node(
            "Concat",
            &index.to_string(),
            &inputs,
            &[int("axis", 1)],
        ));
    }
    doubled.push(node("Identity", "h", &["59 output"], &[]));
    assert!(behind("Expand", &doubled));
    let unequal = [node("Concat", "h", &["z output", "x"], &[int("axis", 0)])];
    assert!(!behind("Expand", &unequal));
}

/// Numbers of another field than that of their type.
#[test]
fn attributes_of_another_type() {
    let axis = attribute("axis", float(2, 0.0), 1);
    let nodes = [
        node("Concat", "a", &["s", "s"], &[axis]),
        unsqueezed("a output"),
    ];
    let told = rnn(22, &nodes, &[zero()]).unwrap_err().to_string();
    assert_eq!(
        told,
        "node `a output`: attribute `axis`: expected a number of type INT, \
         found \"number 1 of AttributeProto.AttributeType\""
    );
}
