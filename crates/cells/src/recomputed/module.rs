//! Burn's `Module` for a layer around another, whose parameters are named as those of the layer inside: Burn's derive
//! would put the name of the field before them.

use std::fmt;

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::Device;

use super::Recomputed;

impl<L> Recomputed<L> {
    fn around<M>(&self, layer: M) -> Recomputed<M> {
        Recomputed {
            layer,
            pieces: self.pieces,
        }
    }

    fn map_layer<M>(self, change: impl FnOnce(L) -> M) -> Recomputed<M> {
        Recomputed {
            layer: change(self.layer),
            pieces: self.pieces,
        }
    }
}

impl<L: Module> Module for Recomputed<L> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.layer.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_layer(|layer| layer.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_layer(|layer| layer.to_device(device))
    }

    fn train(self) -> Self {
        self.map_layer(Module::train)
    }

    fn valid(&self) -> Self {
        self.around(self.layer.valid())
    }

    fn materialize(self) -> Self {
        self.map_layer(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.layer.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.map_layer(|layer| layer.map(mapper))
    }
}

impl<L: ModuleDisplay> ModuleDisplay for Recomputed<L> {}

impl<L: ModuleDisplay> ModuleDisplayDefault for Recomputed<L> {
    fn content(&self, content: Content) -> Option<Content> {
        content
            .set_top_level_type("Recomputed")
            .add("layer", &self.layer)
            .optional()
    }
}

impl<L: ModuleDisplay> fmt::Display for Recomputed<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format(Default::default()))
    }
}
