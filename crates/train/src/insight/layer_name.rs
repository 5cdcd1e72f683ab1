//! The layers of a model by name.

use std::fmt;

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

    /// Within its stack: `layer 1, reverse`.
    pub(crate) fn in_stack(&self) -> String {
        let own = Self {
            stack: None,
            ..self.clone()
        };
        own.to_string()
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

/// The names of the recurrences of stacks, in the order of [`Encoder::recurrences`]; each stack comes with what it is
/// called where there are several.
pub(crate) fn names(stacks: &[(&str, &Encoder)]) -> Vec<LayerName> {
    let mut names = Vec::new();
    for (called, encoder) in stacks {
        let stack = (stacks.len() > 1).then(|| (*called).to_string());
        let directions: &[Option<&str>] = match encoder.runs_both_ways() {
            false => &[None],
            true => &[Some("forward"), Some("reverse")],
        };
        for index in 0..encoder.recurrences().len() {
            let direction = directions[index % directions.len()];
            names.push(LayerName {
                layer: index / directions.len() + 1,
                stack: stack.clone(),
                direction: direction.map(str::to_string),
            });
        }
    }
    names
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
