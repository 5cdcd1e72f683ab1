//! Protobuf messages, written byte by byte.

/// A number in groups of seven bits, the lowest first.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field that is a number.
pub fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

/// A field that is a number of 32 bits.
pub fn float(field: u64, value: f32) -> Vec<u8> {
    [varint(field << 3 | 5), value.to_le_bytes().to_vec()].concat()
}

/// A field that is a text, bytes or a message.
pub fn field(field: u64, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [
        varint(field << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

/// An attribute: its name and its value's field, with that of its type.
pub fn attribute(name: &str, value: impl AsRef<[u8]>, kind: i64) -> Vec<u8> {
    [field(1, name), value.as_ref().to_vec(), number(20, kind)].concat()
}

pub fn int(name: &str, value: i64) -> Vec<u8> {
    attribute(name, number(3, value), 2)
}

pub fn text(name: &str, value: &str) -> Vec<u8> {
    attribute(name, field(4, value), 3)
}

pub fn texts(name: &str, values: &[&str]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| field(9, value)).collect();
    attribute(name, values, 8)
}

pub fn floats(name: &str, values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|&value| float(7, value)).collect();
    attribute(name, values, 6)
}

/// A tensor with `raw_data`.
pub fn tensor(name: &str, kind: i64, dims: &[i64], raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&size| number(1, size)).collect();
    [dims, number(2, kind), field(8, name), field(9, raw)].concat()
}

/// A tensor of f32 zeros.
pub fn zeros(name: &str, dims: &[i64]) -> Vec<u8> {
    let count: i64 = dims.iter().product();
    tensor(name, 1, dims, &vec![0; 4 * count as usize])
}

pub fn node(operator: &str, name: &str, inputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input)).collect();
    let attributes: Vec<u8> = attributes.iter().flat_map(|a| field(5, a)).collect();
    let outputs = field(2, format!("{name} output"));
    [
        inputs,
        outputs,
        field(3, name),
        field(4, operator),
        attributes,
    ]
    .concat()
}

pub fn model(operator_set: i64, nodes: &[Vec<u8>], initializers: &[Vec<u8>]) -> Vec<u8> {
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    let initializers: Vec<u8> = initializers
        .iter()
        .flat_map(|tensor| field(5, tensor))
        .collect();
    let graph = [nodes, initializers].concat();
    [field(7, graph), field(8, number(2, operator_set))].concat()
}
