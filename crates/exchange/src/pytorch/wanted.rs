//! What a layer wants of a state dict.

use std::collections::HashMap;

use burn_store::ModuleSnapshot;
use burn_store::burn_pack::Tensor;

use super::{Parameter, Twin};
use crate::Error;

/// A parameter of a layer, and the names that it may have in a state dict.
pub(super) struct Wanted {
    pub tensor: Tensor,
    pub names: Vec<String>,
    pub transposed: bool,
}

impl Wanted {
    /// The shape that it has in a state dict.
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = self.tensor.shape.to_vec();
        if self.transposed {
            shape.reverse();
        }
        shape
    }
}

/// The parameters of a layer; refuses a layer with one that PyTorch has no name for.
pub(super) fn wanted<M: Twin>(layer: &M, prefix: &str) -> Result<Vec<Wanted>, Error> {
    let no_twin = |error| Error::NoTwin {
        framework: "PyTorch",
        error,
    };
    let mut parameters: HashMap<String, Parameter> = layer
        .parameters()
        .map_err(no_twin)?
        .into_iter()
        .map(|parameter| (parameter.path.clone(), parameter))
        .collect();
    let prefix = with_dot(prefix);
    let mut all = Vec::new();
    let mut nameless = Vec::new();
    for tensor in layer.collect(None, None, false) {
        match parameters.remove(&tensor.name) {
            Some(Parameter {
                names, transposed, ..
            }) => all.push(Wanted {
                names: names.iter().map(|name| format!("{prefix}{name}")).collect(),
                tensor,
                transposed,
            }),
            None => nameless.push(tensor.name),
        }
    }
    assert!(
        parameters.is_empty(),
        "what has a name is a parameter: {parameters:?}"
    );
    if nameless.is_empty() {
        return Ok(all);
    }
    let name = std::any::type_name::<M>();
    let name = name.split('<').next().unwrap_or(name);
    let name = name.rsplit("::").next().unwrap_or(name);
    Err(no_twin(backdraft_cells::Error::new(
        name,
        "parameters",
        "those of PyTorch",
        nameless.join(", "),
    )))
}

/// A prefix of names ends with a dot, whether it was typed or not.
pub(super) fn with_dot(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        dotted if dotted.ends_with('.') => dotted.to_string(),
        plain => format!("{plain}."),
    }
}
