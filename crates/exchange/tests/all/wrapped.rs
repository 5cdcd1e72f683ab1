//! State dicts of modules that were wrapped, and rules for their names.
//!
//! `wrapped.py` beside this file made `wrapped.safetensors`.

use std::path::Path;

use backdraft_cells::prelude::*;
use backdraft_exchange::pytorch::{Parameter, Rename, StateDict, Twin};
use backdraft_exchange::{Error, Mismatch, Proposal};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, TensorData};

type Encoder = Deep<Bidirectional<Lstm>>;

/// The tensors of one case, by the names that they have there.
fn case(name: &str) -> StateDict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/wrapped.safetensors");
    let prefix = format!("{name}:");
    let own = |name: &str| Some(name.strip_prefix(&prefix)?.to_string());
    let case = StateDict::open(path).unwrap().renamed_by(own).unwrap();
    assert!(case.names().count() > 0, "{name}");
    case
}

fn encoder() -> Encoder {
    let layer = BidirectionalConfig::new(LstmConfig::new(3, 4));
    DeepConfig::new(layer, 2).init(&Device::flex()).unwrap()
}

/// The module that was wrapped.
#[derive(Module, Debug)]
struct Tagger {
    encoder: Encoder,
    head: Linear,
}

impl Twin for Tagger {
    fn parameters(&self) -> Result<Vec<Parameter>, backdraft_cells::Error> {
        let encoder = Twin::parameters(&self.encoder)?;
        let head = Parameter::of_linear(&self.head);
        let head = Parameter::all_within(head, "head", "head");
        Ok([
            Parameter::all_within(encoder, "encoder", "encoder.rnn"),
            head,
        ]
        .concat())
    }
}

fn tagger() -> Tagger {
    Tagger {
        encoder: encoder(),
        head: LinearConfig::new(8, 5).init(&Device::flex()),
    }
}

/// The numbers of everything in a layer.
fn numbers<M: Twin>(layer: &M) -> Vec<(String, TensorData)> {
    let state = StateDict::of(layer, "").unwrap();
    let names = state.names();
    names
        .map(|name| (name.to_string(), state.data(name).unwrap().unwrap()))
        .collect()
}

fn rules(rules: &[&str]) -> Vec<Rename> {
    rules.iter().map(|rule| rule.parse().unwrap()).collect()
}

fn mismatch(error: Error) -> Mismatch {
    match error {
        Error::Mismatch(mismatch) => *mismatch,
        error => panic!("{error}"),
    }
}

/// What the error about a wrapped module proposes is what loads it, with the weights that were wrapped.
#[test]
fn errors_propose_the_rules_that_fit() {
    let plain = case("plain").load(tagger(), "").unwrap();
    for (name, prefix, expected) in [
        ("compiled", "_orig_mod.", &[][..]),
        ("part_compiled", "", &["_orig_mod="]),
        ("parallel", "module.", &[]),
        ("both", "_orig_mod.module.", &[]),
        ("dropped_old", "", &["module=", "{w}_raw={w}"]),
        ("dropped", "", &["module=", "{w}_raw={w}"]),
    ] {
        let error = case(name).load(tagger(), "").unwrap_err();
        let told = error.to_string();
        let proposal = mismatch(error).proposal;
        let expected = Proposal {
            prefix: prefix.into(),
            rules: rules(expected),
        };
        assert_eq!(proposal.as_ref(), Some(&expected), "{name}: {told}");
        assert!(
            told.ends_with(&format!("\n  they fit {expected}")),
            "{told}"
        );
        let renamed = case(name).renamed(&expected.rules).unwrap();
        let loaded = renamed.load(tagger(), prefix).unwrap();
        assert_eq!(numbers(&loaded), numbers(&plain), "{name}");
    }
    // What is taken out is so wherever it is.
    for name in ["compiled", "part_compiled"] {
        let renamed = case(name).renamed(&rules(&["_orig_mod="])).unwrap();
        let loaded = renamed.load(tagger(), "").unwrap();
        assert_eq!(numbers(&loaded), numbers(&plain), "{name}");
    }
}

#[test]
fn a_copy_with_elements_dropped_out_is_refused_beside_the_whole() {
    let plain = case("plain");
    let whole = plain.load(encoder(), "encoder.rnn").unwrap();
    let dropped = case("dropped");
    // Everything is there under this prefix, in the right shapes, and is not what was trained.
    let error = dropped.load(encoder(), "encoder.rnn.module").unwrap_err();
    let told = error.to_string();
    let mismatch = mismatch(error);
    assert_eq!(mismatch.copies.len(), 4);
    assert_eq!(
        mismatch.copies[0],
        (
            "encoder.rnn.module.weight_hh_l0".to_string(),
            "encoder.rnn.weight_hh_l0_raw".to_string()
        )
    );
    assert!(mismatch.missing.is_empty() && mismatch.unexpected.is_empty());
    assert!(
        told.contains(
            "\n  encoder.rnn.module.weight_hh_l1: a copy of encoder.rnn.weight_hh_l1_raw with elements dropped out"
        ),
        "{told}"
    );
    assert!(
        told.ends_with(
            "\n  they fit with the prefix `encoder.rnn.`, renamed by `module=` and `{w}_raw={w}`"
        ),
        "{told}"
    );
    // Without the second rule, the copy would have the name.
    let half = case("dropped").renamed(&rules(&["module="])).unwrap();
    let told = half.load(encoder(), "encoder.rnn").unwrap_err().to_string();
    assert!(
        told.contains("weight_hh_l0: a copy of encoder.rnn.weight_hh_l0_raw"),
        "{told}"
    );
    // Neither does it do to give the whole one another name: the copy is one under any.
    let other = case("dropped").renamed(&rules(&["{w}_raw={w}"])).unwrap();
    let told = other
        .load(encoder(), "encoder.rnn.module")
        .unwrap_err()
        .to_string();
    assert!(
        told.contains(
            "module.weight_hh_l0: a copy of encoder.rnn.weight_hh_l0 with elements dropped out"
        ),
        "{told}"
    );
    // In either order the whole one displaces the copy.
    for both in [["module=", "{w}_raw={w}"], ["{w}_raw={w}", "module="]] {
        let renamed = case("dropped").renamed(&rules(&both)).unwrap();
        let loaded = renamed.load(encoder(), "encoder.rnn").unwrap();
        assert_eq!(numbers(&loaded), numbers(&whole));
    }
}

#[test]
fn a_stack_of_modules_becomes_one() {
    let whole = case("plain").load(encoder(), "encoder.rnn").unwrap();
    let error = case("stack").load(encoder(), "encoder.rnn").unwrap_err();
    let told = error.to_string();
    let proposal = mismatch(error).proposal.expect(&told);
    assert_eq!(proposal.prefix, "encoder.rnn.");
    let expected = [
        "rnns.{n}.{w}_l0=encoder.rnn.{w}_l{n}",
        "rnns.{n}.{w}_l0_reverse=encoder.rnn.{w}_l{n}_reverse",
    ];
    assert_eq!(proposal.rules, rules(&expected));
    let stack = case("stack").renamed(&proposal.rules).unwrap();
    let loaded = stack.load(encoder(), "encoder.rnn").unwrap();
    assert_eq!(numbers(&loaded), numbers(&whole));
    // Or level by level.
    let level = |size, name: &str| {
        let layer = BidirectionalConfig::new(LstmConfig::new(size, 4));
        let layer = layer.init(&Device::flex()).unwrap();
        case("stack").load(layer, name).unwrap()
    };
    let levels = vec![level(3, "rnns.0"), level(8, "rnns.1")];
    let loaded = Deep::new(levels, 0.0, Connection::Plain).unwrap();
    assert_eq!(numbers(&loaded), numbers(&whole));
}

#[test]
fn modules_of_other_names_are_told_by_their_parameters() {
    let other = || {
        let rules = rules(&["encoder.rnn=body.lstm", "head=classifier"]);
        case("plain").renamed(&rules).unwrap()
    };
    let proposal = mismatch(other().load(tagger(), "").unwrap_err()).proposal;
    let expected = Proposal {
        prefix: String::new(),
        rules: rules(&["body.lstm=encoder.rnn", "classifier=head"]),
    };
    assert_eq!(proposal.as_ref(), Some(&expected));
    let loaded = other().renamed(&expected.rules).unwrap();
    loaded.load(tagger(), "").unwrap();
    // Of another shape it would not be one of the module's.
    let wide = Tagger {
        encoder: encoder(),
        head: LinearConfig::new(8, 6).init(&Device::flex()),
    };
    let told = mismatch(other().load(wide, "").unwrap_err());
    assert_eq!(told.proposal, None);
}

#[test]
fn weights_that_are_normed_are_put_together() {
    for name in ["norm", "old_norm"] {
        let loaded = case(name).load(tagger(), "").unwrap();
        let loaded = StateDict::of(&loaded.encoder, "").unwrap();
        let expected = case(&format!("{name}="));
        assert_eq!(expected.names().count(), 4);
        for weight in expected.names() {
            let values = |state: &StateDict| -> Vec<f64> {
                state.data(weight).unwrap().unwrap().iter().collect()
            };
            let (found, expected) = (values(&loaded), values(&expected));
            assert_eq!(found.len(), 64);
            let far = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f64::max) < 2e-7, "{name}: {weight}");
        }
        // All but the recurrent weights are as they were.
        let plain = case("plain").load(encoder(), "encoder.rnn").unwrap();
        let plain = StateDict::of(&plain, "").unwrap();
        let bias = "bias_hh_l1_reverse";
        assert_eq!(loaded.data(bias).unwrap(), plain.data(bias).unwrap());
    }
    // Other parametrizations are computed otherwise.
    let told = mismatch(case("spectral").load(tagger(), "").unwrap_err());
    assert_eq!(told.missing.len(), 1);
    assert_eq!(told.unexpected.len(), 3);
    assert_eq!(told.proposal, None);
}

#[test]
fn lengths_that_are_none_are_refused() {
    // The lengths of rows for those of columns, of [16, 4].
    let swap = |name: &str| {
        Some(match name {
            "encoder.rnn.weight_hh_l0_g" => "encoder.rnn.weight_hh_l0_v".to_string(),
            "encoder.rnn.weight_hh_l0_v" => "encoder.rnn.weight_hh_l0_g".to_string(),
            other => other.to_string(),
        })
    };
    let swapped = case("old_norm").renamed_by(swap).unwrap();
    let told = swapped.load(tagger(), "").unwrap_err().to_string();
    assert!(
        told.contains("shape of encoder.rnn.weight_hh_l0_v: expected [16, 4], found [16, 1]"),
        "{told}"
    );
    let bias = |name: &str| {
        Some(match name {
            "encoder.rnn.weight_hh_l0_g" => "unused".to_string(),
            "encoder.rnn.bias_hh_l0" => "encoder.rnn.weight_hh_l0_g".to_string(),
            other => other.to_string(),
        })
    };
    let other = case("old_norm").renamed_by(bias).unwrap();
    let told = other.load(tagger(), "").unwrap_err().to_string();
    assert!(
        told.contains("shape of encoder.rnn.weight_hh_l0_g: expected [16, 1], found [16]"),
        "{told}"
    );
}

#[test]
fn rules_are_of_whole_parts_and_of_holes() {
    let applied = |rule: &str, name: &str| rule.parse::<Rename>().unwrap().apply(name);
    let becomes = |rule: &str, name: &str, expected: &str| {
        assert_eq!(applied(rule, name).as_deref(), Some(expected), "{rule}");
    };
    becomes("module=", "module.a.module.b", "a.b");
    becomes("module.=", "module.a", "a");
    assert_eq!(applied("module=", "submodule.a"), None);
    assert_eq!(applied("module=", "a.modules"), None);
    becomes("a.b=c.d.e", "x.a.b.y", "x.c.d.e.y");
    becomes("a.b=c", "a.a.b.a.b", "a.c.c");
    becomes("{w}_raw={w}", "rnn.weight_hh_l0_raw", "rnn.weight_hh_l0");
    assert_eq!(applied("{w}_raw={w}", "rnn._raw"), None);
    becomes(
        "{w}_l{n}=l{n}.{w}",
        "a.weight_ih_l0_reverse",
        "a.l0_reverse.weight_ih",
    );
    becomes("x{a}-{b}y={b}{a}", "x1-2-3y", "2-31");
    // Two rules' texts, and how a rule is written.
    for text in ["rnns.{n}.{w}_l0=rnn.{w}_l{n}", "module=", "a.b{c}=d"] {
        assert_eq!(text.parse::<Rename>().unwrap().to_string(), text);
    }
    let refused = |rule: &str, expected: &str| {
        let told = rule.parse::<Rename>().unwrap_err().to_string();
        assert_eq!(told, format!("rule `{rule}`: expected {expected}"));
    };
    let shape = "FROM=TO, as in `module=`, found ";
    refused("module", &format!("{shape}`module`"));
    refused("a=b=c", &format!("{shape}`a=b=c`"));
    refused("=a", "something between the dots, found `=a`");
    refused("a..b=c", "something between the dots, found `a..b=c`");
    refused("a=.b", "something between the dots, found `a=.b`");
    refused("{a=b", "braces around a name, as in `{w}`, found `{a`");
    refused("a}=b", "braces around a name, as in `{w}`, found `a}`");
    refused("{}=b", "braces around a name, as in `{w}`, found `{}`");
    refused(
        "{a}{b}=c",
        "text between two holes of FROM, found `{a}{b}=c`",
    );
    refused("{a}.{a}=c", "each hole of FROM once, found `a`");
    refused("{a}={b}", "holes in TO that FROM has, found `b`");
}

#[test]
fn rules_that_do_nothing_or_too_much() {
    let told = |asked: &[&str]| {
        let renamed = case("compiled").renamed(&rules(asked));
        renamed.unwrap_err().to_string()
    };
    assert_eq!(
        told(&["_orig_mod=", "module="]),
        "rule `module=`: expected a name with FROM between its dots, found \
         `_orig_mod.encoder.rnn.bias_hh_l0, _orig_mod.encoder.rnn.bias_hh_l0_reverse, \
         _orig_mod.encoder.rnn.bias_hh_l1, ..`"
    );
    assert_eq!(
        told(&["{w}_l0={w}_l1"]),
        "`_orig_mod.encoder.rnn.bias_hh_l0` and `_orig_mod.encoder.rnn.bias_hh_l1` would both be called \
         `_orig_mod.encoder.rnn.bias_hh_l1`"
    );
    let short = |_: &str| Some("w".to_string());
    let told = case("plain").renamed_by(short).unwrap_err();
    assert!(
        matches!(&told, Error::Collision { name, .. } if name == "w"),
        "{told}"
    );
    let only = |name: &str| (name == "head.bias").then(|| name.to_string());
    let bias = case("plain").renamed_by(only).unwrap();
    let told = bias.renamed(&rules(&["head.bias="])).unwrap_err();
    assert_eq!(
        told.to_string(),
        "rule `head.bias=`: expected something left of each name, found `nothing`"
    );
}
