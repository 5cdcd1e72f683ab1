//! The parameters of a layer, as one vector of the graph around it and as the leaves of a piece's own graph.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

/// All parameters behind each other; `None` of a module without any.
pub(super) fn flat<M: Module>(module: &M) -> Option<Tensor<1>> {
    let parameters = each(module);
    (!parameters.is_empty()).then(|| Tensor::cat(parameters, 0))
}

/// The numbers of each parameter.
pub(super) fn each<M: Module>(module: &M) -> Vec<Tensor<1>> {
    struct Collect(Vec<Tensor<1>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(flattened(param.base()));
        }
    }
    let mut collect = Collect(Vec::new());
    module.visit(&mut collect);
    collect.0
}

/// The gradients of all parameters of `leaves`, each flat, in the same order; `None` of what was not used.
pub(super) fn gradients<M: Module>(leaves: &M, gradients: &Gradients) -> Vec<Option<Tensor<1>>> {
    struct Collect<'a>(&'a Gradients, Vec<Option<Tensor<1>>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.base().grad(self.0);
            self.1.push(gradient.map(flattened));
        }
    }
    let mut collect = Collect(gradients, Vec::new());
    leaves.visit(&mut collect);
    collect.1
}

fn flattened<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let size = tensor.shape().num_elements();
    tensor.reshape([size])
}

/// Makes parameters constants. A module of these draws its masks as in training, and no graph is made of it.
pub(super) struct Constants;

impl ModuleMapper for Constants {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, constant(param.base()))
    }
}

/// Makes constants the leaves of a graph.
pub(super) struct Leaves;

impl ModuleMapper for Leaves {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, leaf(param.base()))
    }
}

/// The same values, cut off from their graph; a leaf of it has no gradient then, either.
pub(super) fn constant<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    tensor.set_require_grad(false)
}

/// The same values, as a leaf of a graph that begins here.
pub(super) fn leaf<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    constant(tensor).require_grad()
}
