//! NumPy's files, written here byte by byte as NumPy writes them, and read.

use std::io::Write;
use std::path::{Path, PathBuf};

use backdraft_data::{ArrayNames, Classes, FeatureSequences, read_arrays};
use burn::tensor::Device;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn floats(shape: &str, values: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    npy("<f4", "False", shape, &data)
}

fn integers(values: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    npy("<i8", "False", &format!("({},)", values.len()), &data)
}

fn npz(folder: &Path, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = folder.join("data.npz");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (index, (name, bytes)) in arrays.iter().enumerate() {
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][index % 2];
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    path
}

fn read(arrays: &[(&str, Vec<u8>)]) -> (FeatureSequences, Option<Classes>) {
    let folder = tempfile::tempdir().unwrap();
    read_arrays(npz(folder.path(), arrays), &ArrayNames::default()).unwrap()
}

fn refused(arrays: &[(&str, Vec<u8>)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let read = read_arrays(npz(folder.path(), arrays), &ArrayNames::default());
    let error = read.unwrap_err().to_string();
    error
        .split_once("data.npz: ")
        .expect("the file is named")
        .1
        .to_string()
}

#[test]
fn rows_one_after_the_other_and_padded_rows_are_the_same() {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let lengths = integers(&[2, 0, 1]);
    let (after, classes) = read(&[
        ("X", floats("(3, 2)", &values)),
        ("lengths", lengths.clone()),
        ("y", integers(&[10, -3, 10])),
    ]);
    assert_eq!((after.len(), after.features()), (3, 2));
    assert_eq!(after.row(0), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(after.row(1), [0.0; 0]);
    assert_eq!(after.row(2), [5.0, 6.0]);
    let classes = classes.unwrap();
    assert_eq!(classes.names, ["-3", "10"]);
    assert_eq!(classes.rows, [1, 0, 1]);

    let padded = [
        1.0,
        2.0,
        3.0,
        4.0,
        f32::NAN,
        9.0,
        9.0,
        9.0,
        5.0,
        6.0,
        9.0,
        9.0,
    ];
    let (padded, none) = read(&[("X", floats("(3, 2, 2)", &padded)), ("lengths", lengths)]);
    assert_eq!(padded, after);
    assert_eq!(none, None);

    let (batch, lengths) = padded.batch(&[2, 0], &Device::default());
    let batch: Vec<f32> = batch.into_data().iter().collect();
    assert_eq!(batch, [5.0, 6.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(lengths, [1, 2]);
}

#[test]
fn every_type_and_order_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alone.npy");
    let row = |bytes: Vec<u8>| {
        std::fs::write(&path, bytes).unwrap();
        let (rows, _) = read_arrays(&path, &ArrayNames::default()).unwrap();
        (0..rows.len())
            .flat_map(|row| rows.row(row).to_vec())
            .collect::<Vec<_>>()
    };
    let plain = |descr: &str, data: &[u8]| row(npy(descr, "False", "(1, 1, 2)", data));
    assert_eq!(
        plain(">f4", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]),
        [1.0, -2.0]
    );
    let doubles = [1.5_f64, -0.25].map(f64::to_le_bytes).concat();
    assert_eq!(plain("<f8", &doubles), [1.5, -0.25]);
    assert_eq!(plain("|i1", &[0xff, 3]), [-1.0, 3.0]);
    assert_eq!(plain(">i2", &[0xff, 0xfe, 1, 0]), [-2.0, 256.0]);
    assert_eq!(plain("|u1", &[255, 3]), [255.0, 3.0]);
    assert_eq!(plain("|b1", &[0, 1]), [0.0, 1.0]);
    // Index (row, step, feature) of (2, 1, 3), the first fastest.
    let first_fastest = npy("|u1", "True", "(2, 1, 3)", &[0, 10, 1, 11, 2, 12]);
    assert_eq!(row(first_fastest), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    // Version 2 of the format has four bytes for the length.
    let header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1)}";
    let second = [
        b"\x93NUMPY\x02\x00".as_slice(),
        &60_u32.to_le_bytes(),
        header,
        &[7],
    ]
    .concat();
    assert_eq!(header.len(), 60);
    assert_eq!(row(second), [7.0]);
}

#[test]
fn texts_are_classes_too() {
    let x = || ("X", floats("(2, 1, 1)", &[0.0, 1.0]));
    let utf32 = |texts: [&str; 2]| -> Vec<u8> {
        let padded = texts
            .iter()
            .flat_map(|text| text.chars().chain("\0\0\0".chars()).take(3));
        padded.flat_map(|c| u32::from(c).to_le_bytes()).collect()
    };
    let y = npy("<U3", "False", "(2,)", &utf32(["z\u{fc}g", "an"]));
    let (_, classes) = read(&[x(), ("y", y)]);
    let classes = classes.unwrap();
    assert_eq!(classes.names, ["an", "z\u{fc}g"]);
    assert_eq!(classes.rows, [1, 0]);
    let (_, classes) = read(&[x(), ("y", npy("|S2", "False", "(2,)", b"b\0a\0"))]);
    assert_eq!(classes.unwrap().names, ["a", "b"]);
}

#[test]
fn moments_normalize() {
    let (rows, _) = read(&[
        ("X", floats("(3, 2)", &[1.0, 5.0, 3.0, 5.0, 100.0, 5.0])),
        ("lengths", integers(&[2, 1])),
    ]);
    let (mean, deviation) = rows.moments(&[0]);
    assert_eq!(
        (mean.as_slice(), deviation.as_slice()),
        (&[2.0, 5.0][..], &[1.0, 1.0][..])
    );
    let rows = rows.normalized((&mean, &deviation));
    assert_eq!(rows.row(0), [-1.0, 0.0, 1.0, 0.0]);
    assert_eq!(rows.row(1), [98.0, 0.0]);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let x = || ("X", floats("(3, 2)", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let lengths = |values: &[i64]| ("lengths", integers(values));
    assert_eq!(
        refused(&[lengths(&[3])]),
        "array `X`: expected to be in the file, found none"
    );
    assert_eq!(
        refused(&[x()]),
        "array `X`: expected (frames, features) with lengths, or (rows, time, features), found \
         (3, 2), floats"
    );
    assert_eq!(
        refused(&[x(), lengths(&[1, 1])]),
        "array `lengths`: expected lengths that add up to 3, the frames, found 2"
    );
    assert_eq!(
        refused(&[x(), lengths(&[4, -1])]),
        "array `lengths`: expected (rows), integers of at least 0, found (2), integers"
    );
    let padded = || ("X", floats("(1, 3, 2)", &[0.0; 6]));
    assert_eq!(
        refused(&[padded(), lengths(&[4])]),
        "array `lengths`: expected (1), one for each row, each at most 3, found (1), at most 4"
    );
    assert_eq!(
        refused(&[padded(), ("y", integers(&[1, 2]))]),
        "array `y`: expected (1), one for each row, found (2), integers"
    );
    assert_eq!(
        refused(&[padded(), ("y", floats("(1,)", &[0.5]))]),
        "array `y`: expected integers or texts, found (1), floats"
    );
    assert_eq!(
        refused(&[("X", floats("(2, 1, 2)", &[0.0, 1.0, 2.0, f32::INFINITY]))]),
        "array `X`: expected finite numbers, found inf at step 0 of row 1"
    );
    let cut = floats("(2, 1, 2)", &[0.0]);
    assert_eq!(
        refused(&[("X", cut)]),
        "array `X`: expected the elements of shape [2, 1, 2] of type <f4, found 4 bytes"
    );
    assert!(refused(&[("X", npy("|O", "False", "(1,)", b""))]).contains("found |O"));
    assert!(refused(&[("X", npy("<c8", "False", "(1,)", &[0; 8]))]).contains("found <c8"));
    assert!(refused(&[("X", b"PK".to_vec())]).contains("in NumPy's format"));
    let huge = npy("<f4", "False", "(4294967296, 4294967296)", b"");
    assert!(refused(&[("X", huge)]).contains("found 0 bytes"));

    let missing = read_arrays("no-such.npz", &ArrayNames::default()).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read no-such.npz: "));
}
