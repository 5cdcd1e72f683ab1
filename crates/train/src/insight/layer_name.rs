//! The layers of a model by name, and their cells.

use std::fmt;

use backdraft_cells::{AnyCell, Cell, Deep, Recurrent};
use backdraft_models::Encoder;
use serde::{Deserialize, Serialize};

/// What tells a layer of a model, and in it a direction, from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerName {
    /// The layer, from 1.
    pub layer: usize,
    /// Which of several stacks of layers it is in, if there are several: `encoder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Its direction, if the layer runs in both: `forward` or `reverse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
}

impl LayerName {
    /// Of a single stack that runs forward.
    pub fn layer(layer: usize) -> Self {
        Self {
            layer,
            stack: None,
            direction: None,
        }
    }

    /// As a part of the name of a file: `encoder-layer-1-reverse`.
    pub(crate) fn file(&self) -> String {
        let layer = format!("layer-{}", self.layer);
        let parts = [self.stack.clone(), Some(layer), self.direction.clone()];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("-")
    }

    /// As a title begins: `Encoder, layer 1, reverse`.
    pub(crate) fn title(&self) -> String {
        let text = self.to_string();
        let mut characters = text.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect()
    }
}

/// `encoder, layer 1, reverse`
impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stack) = &self.stack {
            write!(f, "{stack}, ")?;
        }
        write!(f, "layer {}", self.layer)?;
        match &self.direction {
            Some(direction) => write!(f, ", {direction}"),
            None => Ok(()),
        }
    }
}

/// A cell, and the layer that it is in.
pub(crate) struct NamedCell<'a, C> {
    pub name: LayerName,
    pub cell: &'a C,
}

/// The cells of a stack that runs forward, the only one of its model.
pub(crate) fn of_stack<C: Cell>(stack: &Deep<Recurrent<C>>) -> Vec<NamedCell<'_, C>> {
    let layers = (1..).zip(&stack.layers);
    let named = layers.map(|(layer, recurrent)| NamedCell {
        name: LayerName::layer(layer),
        cell: &recurrent.cell,
    });
    named.collect()
}

/// The cells of stacks, each with what it is called where there are several.
pub(crate) fn of_stacks<'a>(stacks: &[(&str, &'a Encoder)]) -> Vec<NamedCell<'a, AnyCell>> {
    let mut named = Vec::new();
    for (called, encoder) in stacks {
        let stack = (stacks.len() > 1).then(|| (*called).to_string());
        let mut add = |layer, direction: Option<&str>, cell| {
            let (stack, direction) = (stack.clone(), direction.map(str::to_string));
            let name = LayerName {
                layer,
                stack,
                direction,
            };
            named.push(NamedCell { name, cell });
        };
        match encoder {
            Encoder::Forward(stack) => {
                for (layer, recurrent) in (1..).zip(&stack.layers) {
                    add(layer, None, &recurrent.cell);
                }
            }
            Encoder::Both(stack) => {
                for (layer, both) in (1..).zip(&stack.layers) {
                    add(layer, Some("forward"), &both.forward.cell);
                    add(layer, Some("reverse"), &both.reverse.cell);
                }
            }
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use backdraft_cells::{DeepConfig, GruConfig, SequenceConfig};
    use backdraft_models::EncoderConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn names_are_told_apart_and_read_again() {
        let encoder = |both| {
            let stack = DeepConfig::new(GruConfig::new(3, 4).into(), 2);
            let config = EncoderConfig::new(stack).with_both(both);
            config.init(&Device::flex()).unwrap()
        };
        let (one, two) = (encoder(true), encoder(false));
        let names = |stacks: &[(&str, &Encoder)]| {
            let cells = of_stacks(stacks).into_iter();
            cells.map(|named| named.name).collect::<Vec<_>>()
        };
        let several = names(&[("encoder", &one), ("decoder", &two)]);
        let titles: Vec<String> = several.iter().map(LayerName::title).collect();
        assert_eq!(
            titles,
            [
                "Encoder, layer 1, forward",
                "Encoder, layer 1, reverse",
                "Encoder, layer 2, forward",
                "Encoder, layer 2, reverse",
                "Decoder, layer 1",
                "Decoder, layer 2"
            ]
        );
        assert_eq!(several[1].file(), "encoder-layer-1-reverse");
        let alone = names(&[("recurrent", &two)]);
        assert_eq!(alone, [LayerName::layer(1), LayerName::layer(2)]);
        for name in several.iter().chain(&alone) {
            let json = serde_json::to_string(name).unwrap();
            assert_eq!(serde_json::from_str::<LayerName>(&json).unwrap(), *name);
        }
        // As runs had it before there were others.
        let before: LayerName = serde_json::from_str(r#"{"layer":2}"#).unwrap();
        assert_eq!(before, LayerName::layer(2));
    }
}
