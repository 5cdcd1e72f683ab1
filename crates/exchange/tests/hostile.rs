//! Files that mean harm, or are damaged: each is refused, without allocating what it claims and
//! without running what it asks for.
//!
//! The allocator of this program ends it when more than 256 MiB are asked for at a time.

#[path = "all/onnx/message.rs"]
#[allow(dead_code, reason = "the other tests use all of it")]
mod message;

use std::alloc::System;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use backdraft_cells::prelude::*;
use backdraft_exchange::onnx::Model;
use backdraft_exchange::pytorch::StateDict;
use burn::tensor::Device;
use cap::Cap;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, 256 << 20);

fn layer() -> Recurrent<Elman> {
    RecurrentConfig::new(ElmanConfig::new(2, 2))
        .init(&Device::flex())
        .unwrap()
}

/// Writes a file, opens it and takes a layer out of it; what was said.
fn outcome(folder: &TempDir, bytes: &[u8]) -> Result<(), String> {
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let state = StateDict::open(&path).map_err(|error| error.to_string())?;
    let layer = state.load(layer(), "").map_err(|error| error.to_string())?;
    assert_eq!(layer.input_size(), 2);
    Ok(())
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let told = outcome(&folder, bytes).unwrap_err();
    assert!(told.contains(expected), "expected {expected:?} in: {told}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "{told}"
    );
}

fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; data]].concat()
}

/// One tensor of a state dict's header.
fn entry(name: &str, dtype: &str, shape: &str, from: u64, to: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
}

#[test]
fn safetensors_headers_are_held_against_the_file() {
    let one =
        |dtype, shape, from, to| format!("{{{}}}", entry("weight_ih_l0", dtype, shape, from, to));
    let whole = safetensors(&one("F32", "[2,2]", 0, 16), 16);
    refused(&whole, "missing: weight_hh_l0 [2, 2]");

    let mut long = whole.clone();
    long[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    refused(&long, "header too large");
    long[..8].copy_from_slice(&90_000_000u64.to_le_bytes());
    refused(&long, "invalid header length");
    refused(
        &safetensors(&one("F32", "[2,2]", 0, 1 << 50), 16),
        "refused: ",
    );
    refused(
        &safetensors(&one("F32", "[2,2]", 1 << 40, (1 << 40) + 16), 16),
        "invalid offset",
    );
    refused(
        &safetensors(&one("F32", "[2,2]", 16, 0), 16),
        "invalid offset",
    );
    // Half the bytes that the shape needs, and twice; a shape that no number counts.
    refused(&safetensors(&one("F32", "[2,2]", 0, 8), 8), "invalid shape");
    refused(
        &safetensors(&one("F64", "[2,2]", 0, 16), 16),
        "invalid shape",
    );
    refused(
        &safetensors(&one("F32", "[4294967296,4294967296]", 0, 16), 16),
        "overflow",
    );
    // More bytes than are told of, and fewer.
    refused(
        &safetensors(&one("F32", "[2,2]", 0, 16), 17),
        "not fully covered",
    );
    refused(&whole[..whole.len() - 1], "not fully covered");

    let two = |from, to| {
        let first = entry("a", "F32", "[2,2]", 0, 16);
        format!("{{{first},{}}}", entry("b", "F32", "[2,2]", from, to))
    };
    refused(&safetensors(&two(8, 24), 24), "invalid offset");
    refused(&safetensors(&two(0, 16), 16), "invalid offset");
    refused(&safetensors(&two(20, 36), 36), "invalid offset");

    refused(&safetensors("{\"a\":1}", 0), "refused: ");
    refused(&safetensors("{", 0), "refused: ");
    refused(
        &safetensors(&format!("{{\"a\":{}", "[".repeat(100_000)), 0),
        "refused: ",
    );
}

/// An archive as torch.save writes it.
fn archive(entries: &[(&str, &[u8])], compression: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, content) in entries {
        writer
            .start_file(format!("archive/{name}"), options)
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pickled(pickle: &[u8]) -> Vec<u8> {
    let entries: &[(&str, &[u8])] = &[("data.pkl", pickle), ("data/0", &[0; 16])];
    archive(entries, CompressionMethod::Stored)
}

/// `{"weight_ih_l0": a tensor of this shape and stride, over a storage of four numbers}`.
fn tensor(shape: &[i32], stride: &[i32], storage: i32) -> Vec<u8> {
    let text = |text: &str| {
        [
            b"X",
            &(text.len() as u32).to_le_bytes()[..],
            text.as_bytes(),
        ]
        .concat()
    };
    let number = |number: &i32| [b"J", &number.to_le_bytes()[..]].concat();
    let tuple = |numbers: &[i32]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(number).collect();
        [b"(", &numbers[..], b"t"].concat()
    };
    [
        b"\x80\x02}".to_vec(),
        text("weight_ih_l0"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        number(&storage),
        b"tQK\x00".to_vec(),
        tuple(shape),
        tuple(stride),
        b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
    ]
    .concat()
}

#[test]
fn tensors_of_an_archive_are_held_against_the_layer_and_the_file() {
    let line = "missing: weight_hh_l0 [2, 2]";
    refused(&pickled(&tensor(&[2, 2], &[2, 1], 4)), line);
    // Four numbers that claim to be 4 GiB and more.
    let line = "shape of weight_ih_l0: expected [2, 2], found [1073741824]";
    refused(&pickled(&tensor(&[1 << 30], &[0], 4)), line);
    refused(
        &pickled(&tensor(&[1 << 30, 1 << 30], &[0, 0], 4)),
        "refused: ",
    );
    refused(&pickled(&tensor(&[1 << 30; 5], &[0; 5], 4)), "refused: ");
    refused(&pickled(&tensor(&[-2, 2], &[2, 1], 4)), "refused: ");
    refused(&pickled(&tensor(&[2, 2], &[2, -1], 4)), "refused: ");
    refused(&pickled(&tensor(&[2, 2], &[100, 1], 4)), "refused: ");
    refused(&pickled(&tensor(&[2, 2], &[2, 1], i32::MAX)), "missing: ");
}

/// A storage that is not there, or shorter than the tensor, shows when it is read.
#[test]
fn storages_are_read_as_far_as_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let gates = backdraft_cells::GatesConfig::new().with_bias(false);
    let path = folder.path().join("file");
    for storage in [&[][..], &[0; 15]] {
        let pickle = tensor(&[1, 4], &[4, 1], 4);
        let entries: &[(&str, &[u8])] = &[("data.pkl", &pickle), ("data/0", storage)];
        let bytes = archive(entries, CompressionMethod::Stored);
        std::fs::write(&path, bytes).unwrap();
        let state = StateDict::open(&path).unwrap();
        assert!(state.data("weight_ih_l0").is_err());
        let cell = ElmanConfig::new(4, 1).with_gates(gates.clone());
        let layer = RecurrentConfig::new(cell).init(&Device::flex()).unwrap();
        state.load(layer, "").unwrap_err();
    }
}

#[test]
fn compressed_archives_are_refused_before_they_are_unpacked() {
    // A gigabyte would fit into a megabyte; less is enough to be told.
    let zeros = vec![b'0'; 20 << 20];
    let bomb = archive(&[("data.pkl", &zeros)], CompressionMethod::Deflated);
    drop(zeros);
    assert!(bomb.len() < 1 << 18);
    refused(&bomb, "is compressed, which torch.save does not do");
    let storage = vec![0; 1 << 20];
    let pickle = tensor(&[2, 2], &[2, 1], 4);
    let entries: &[(&str, &[u8])] = &[("data.pkl", &pickle), ("data/0", &storage)];
    refused(
        &archive(entries, CompressionMethod::Deflated),
        "is compressed",
    );

    // Sizes that no file has, in the directory and in the entry.
    let honest = pickled(&tensor(&[2, 2], &[2, 1], 4));
    let sizes: Vec<usize> = (0..honest.len() - 46)
        .filter(|at| honest[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    assert_eq!(sizes.len(), 2);
    let mut lying = honest.clone();
    for at in &sizes {
        lying[at + 24..at + 28].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    }
    refused(&lying, "refused: ");
    for at in &sizes {
        lying[at + 20..at + 24].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    }
    refused(&lying, "refused: ");
    refused(&archive(&[], CompressionMethod::Stored), "refused: ");
    refused(
        &archive(&[("weights", b"none")], CompressionMethod::Stored),
        "data.pkl",
    );
}

/// Five pickles, the fourth of them the object.
fn legacy(object: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let version = b"\x80\x02M\xe9\x03.";
    let system = b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";
    let keys = b"\x80\x02].";
    [&magic[..], version, system, object, keys].concat()
}

/// Python would write a file when it reads these.
#[test]
fn what_would_run_code_is_refused_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let proof = folder.path().join("proof");
    let command = format!("touch {}", proof.display());
    let argument = [
        b"X",
        &(command.len() as u32).to_le_bytes()[..],
        command.as_bytes(),
    ]
    .concat();
    let call = |global: &[u8]| [global, &argument[..], b"\x85R"].concat();
    let within = |object: &[u8]| [b"\x80\x02}X\x01\x00\x00\x00w", object, b"s."].concat();
    let listed = |object: &[u8]| within(&[b"](", object, b"e"].concat());
    let stack = b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93";
    for (global, name) in [
        (&b"cposix\nsystem\n"[..], "posix.system"),
        (b"cos\nsystem\n", "os.system"),
        (b"c__builtin__\neval\n", "__builtin__.eval"),
        (b"csubprocess\nPopen\n", "subprocess.Popen"),
        (b"ctorch.hub\nload\n", "torch.hub.load"),
        (b"ctorch\nload\n", "torch.load"),
        (stack, "os.system"),
    ] {
        let call = call(global);
        let object = [&call[..], b"}b"].concat();
        for pickle in [
            within(&call),
            listed(&call),
            within(&object),
            within(global),
        ] {
            refused(&pickled(&pickle), &format!("`{name}`"));
            refused(&legacy(&pickle), &format!("`{name}`"));
        }
        let root = [b"\x80\x02", &call[..], b"."].concat();
        refused(&pickled(&root), &format!("`{name}`"));
    }
    // Instances, and an object that a tensor goes through.
    refused(
        &pickled(&within(b"c__main__\nEvil\n)\x81")),
        "`__main__.Evil`",
    );
    let through = tensor(&[2, 2], &[2, 1], 4);
    let through = [
        b"\x80\x02}X\x01\x00\x00\x00wcos\nsystem\n",
        &through[2..through.len() - 1],
        b"\x85Rs.",
    ];
    refused(&pickled(&through.concat()), "os.system");
    assert!(!proof.exists());
}

#[test]
fn pickles_cannot_grow() {
    // A pair of the pair before, twice, forty times over.
    let mut doubling = b"\x80\x02}X\x01\x00\x00\x00w)q\x000".to_vec();
    for last in 0..40u8 {
        doubling.extend([b'h', last, b'h', last, b'\x86', b'q', last + 1, b'0']);
    }
    doubling.extend([b'h', 40, b's', b'.']);
    refused(&pickled(&doubling), "refused: ");
    let deep = [
        &b"\x80\x02"[..],
        &b"]".repeat(1 << 20),
        &b"a".repeat((1 << 20) - 1),
        b".",
    ]
    .concat();
    refused(&pickled(&deep), "refused: ");
    let text = [&b"\x80\x02X"[..], &u32::MAX.to_le_bytes(), b"short."].concat();
    refused(&pickled(&text), "refused: ");
    refused(&legacy(&text), "refused: ");
}

#[test]
fn other_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let expected = "expected a .safetensors file, or a state dict that torch.save wrote";
    refused(b"", expected);
    refused(b"PK", expected);
    refused(b"import torch", expected);
    // A bare pickle, and the tar archives of before 2016, whose entries may be sparse.
    refused(
        b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.",
        expected,
    );
    let mut tar = vec![0; 1024];
    tar[..7].copy_from_slice(b"storage");
    tar[257..262].copy_from_slice(b"ustar");
    refused(&tar, expected);
    let error = StateDict::open(folder.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot read "), "{error}");
    let error = StateDict::open(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read "), "{error}");
}

fn fixture(name: &str) -> Vec<u8> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    std::fs::read(folder.join(name)).unwrap()
}

/// Each file cut short, and with one byte changed: an answer, and no panic.
#[test]
fn damage_anywhere_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tagger.safetensors", "tagger_mixed.pt", "tagger_legacy.pth"] {
        let whole = fixture(name);
        for length in (0..whole.len()).step_by(101) {
            outcome(&folder, &whole[..length]).unwrap_err();
        }
        let path = folder.path().join("file");
        let encoder = BidirectionalConfig::new(LstmConfig::new(3, 4));
        let encoder = DeepConfig::new(encoder, 2).init(&Device::flex()).unwrap();
        let prefix = match name {
            "tagger_legacy.pth" => "model.encoder.rnn",
            _ => "encoder.rnn",
        };
        for at in (0..whole.len()).step_by(17) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x41;
            std::fs::write(&path, damaged).unwrap();
            // Some are of no consequence: a byte of padding, or of the numbers.
            if let Ok(state) = StateDict::open(&path) {
                let _ = state.load(encoder.clone(), prefix);
            }
        }
    }
}

/// The layer of an RNN of one unit, of which `nodes` compute W or the state.
fn rnn(inputs: &[&str], nodes: &[Vec<u8>], stored: Vec<u8>) -> Result<(), String> {
    let nodes = [nodes, &[message::node("RNN", "n", inputs, &[])]].concat();
    let weights = [
        stored,
        message::zeros("w", &[1, 1, 1]),
        message::zeros("r", &[1, 1, 1]),
    ];
    let model = Model::from_bytes(&message::model(22, &nodes, &weights)).unwrap();
    let layer = model.layer("n", &Device::flex());
    layer.map(|_| ()).map_err(|error| error.to_string())
}

/// A MiB twice, and that twice, thirty times over; and shapes of which no memory has the elements.
#[test]
fn expressions_of_onnx_cannot_grow() {
    let mut doubling = Vec::new();
    let mut last = "s".to_string();
    for index in 0..30 {
        let (name, axis) = (format!("a{index}"), message::int("axis", 0));
        doubling.push(message::node("Concat", &name, &[&last, &last], &[axis]));
        last = format!("{name} output");
    }
    let stored = message::zeros("s", &[1 << 18, 1, 1]);
    let told = rnn(&["x", &last, "r"], &doubling, stored).unwrap_err();
    assert!(
        told.ends_with("no more than 16 times what is stored for it, found more"),
        "{told}"
    );

    let shape: Vec<u8> = [1i64, 1 << 40, 1]
        .iter()
        .flat_map(|size| size.to_le_bytes())
        .collect();
    let shape = || message::tensor("s", 7, &[3], &shape);
    let huge = [message::node("ConstantOfShape", "a", &["s"], &[])];
    let told = rnn(&["x", "a output", "r"], &huge, shape()).unwrap_err();
    assert!(
        told.ends_with("found `a output`, which ConstantOfShape gives"),
        "{told}"
    );
    // As a state it is zeros, of which nobody needs more than that.
    rnn(&["x", "w", "r", "", "", "a output"], &huge, shape()).unwrap();
}
