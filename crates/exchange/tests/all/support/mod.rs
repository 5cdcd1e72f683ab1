//! What the tests of this folder share: gradients by path, and the comparison of two lists of
//! numbers.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// The gradient of each parameter of a module, by its path.
pub fn gradients<M: Module>(module: &M, gradients: &Gradients) -> BTreeMap<String, Vec<f64>> {
    struct Collect<'a> {
        gradients: &'a Gradients,
        path: Vec<String>,
        found: BTreeMap<String, Vec<f64>>,
    }
    impl ModuleVisitor for Collect<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad(self.gradients);
            let gradient = gradient.expect("each parameter has a gradient");
            self.found.insert(self.path.join("."), values(&gradient));
        }
    }
    let mut collect = Collect {
        gradients,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    module.visit(&mut collect);
    collect.found
}

/// The largest difference seen, and where.
#[derive(Default)]
pub struct Worst {
    difference: f64,
    what: String,
    numbers: usize,
}

impl Worst {
    /// Fails where two lists differ by more than `tolerance`, relative to the largest expected
    /// value or 1.
    #[track_caller]
    pub fn compare(&mut self, what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len(), "{what}: number of values");
        let scale = expected
            .iter()
            .fold(1.0f64, |scale, value| scale.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let difference = (found - expected).abs() / scale;
            assert!(
                difference <= tolerance,
                "{what}: value {index}: found {found}, expected {expected}"
            );
            if difference > self.difference {
                self.difference = difference;
                self.what = format!("{what}: value {index}");
            }
        }
        self.numbers += found.len();
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            difference,
            what,
            numbers,
        } = self;
        write!(
            f,
            "{numbers} numbers, the largest difference {difference:.1e}: {what}"
        )
    }
}
