//! The twins of whole models in PyTorch, a file for each.

mod classifier;
mod composer;
mod forecaster;
mod language_model;
mod tagger;
mod transcriber;
mod translator;

use backdraft_cells::Error;
use backdraft_models::{Attention, Bridge};

use super::{Parameter, Twin};

/// Of a layer that is called `recurrent` there.
fn recurrent<L: Twin>(layer: &L, field: &str, module: &str) -> Result<Vec<Parameter>, Error> {
    Ok(Parameter::all_within(
        Twin::parameters(layer)?,
        field,
        module,
    ))
}

/// `bridge.0`, `bridge.1` ..: an `nn.Linear` for each tensor of the state, layer by layer.
fn bridge(bridge: &Bridge) -> Vec<Parameter> {
    let maps = bridge.maps.iter().enumerate();
    let named = maps.filter_map(|(place, map)| {
        let linear = Parameter::of_linear(map.as_ref()?);
        let (field, module) = (format!("bridge.maps.{place}"), format!("bridge.{place}"));
        Some(Parameter::all_within(linear, &field, &module))
    });
    named.flatten().collect()
}

/// `attention.keys`, and of the additive score `attention.query` and `attention.fit`: an `nn.Linear` each.
fn attention(attention: &Attention) -> Vec<Parameter> {
    let additive = attention.additive.as_ref();
    let linears = [
        ("keys", "keys", attention.keys.as_ref()),
        ("additive.query", "query", additive.map(|own| &own.query)),
        ("additive.fit", "fit", additive.map(|own| &own.fit)),
    ];
    let named = linears.into_iter().filter_map(|(field, module, linear)| {
        let linear = Parameter::of_linear(linear?);
        Some(Parameter::all_within(linear, field, module))
    });
    Parameter::all_within(named.flatten().collect(), "attention", "attention")
}
