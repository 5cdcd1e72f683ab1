//! The activation functions of a node.
//!
//! ```text
//! activations        f, or f, g, or f, g, h; for two directions all of the first, then the other's
//! activation_alpha   one number for each of these functions that has an alpha, in their order
//! activation_beta    the same for beta
//! ```
//!
//! The numbers "are consumed in the order of activation functions", so a function without an alpha
//! takes none; onnxruntime reads them so too. A list with one number for every function is read
//! where it says the same, and refused where it does not. Numbers that are not given are those of
//! the operator of the function's name; Affine and ScaledTanh have no such operator, so these need
//! them.

use backdraft_cells::Activation;

use super::Error;
use super::attributes::Attributes;

const KNOWN: &[&str] = &[
    "Relu",
    "Tanh",
    "Sigmoid",
    "Affine",
    "LeakyRelu",
    "ThresholdedRelu",
    "ScaledTanh",
    "HardSigmoid",
    "Elu",
    "Softsign",
    "Softplus",
];

/// A number that a function has: taken from the list, or what it is when the list has none left.
#[derive(Clone, Copy)]
enum Number {
    Default(f32),
    Needed,
}

/// The alpha and the beta of a function; `None` if it has none.
fn numbers(function: &str) -> [Option<Number>; 2] {
    match function {
        "Affine" | "ScaledTanh" => [Some(Number::Needed), Some(Number::Needed)],
        "LeakyRelu" => [Some(Number::Default(0.01)), None],
        "ThresholdedRelu" | "Elu" => [Some(Number::Default(1.0)), None],
        "HardSigmoid" => [Some(Number::Default(0.2)), Some(Number::Default(0.5))],
        _ => [None, None],
    }
}

/// The functions of all directions, `defaults` for each when the node names none.
pub(super) fn read(
    attributes: &mut Attributes,
    node: &str,
    defaults: &[&str],
    directions: usize,
) -> Result<Vec<Activation>, Error> {
    let mut names = match attributes.strings("activations")? {
        Some(names) => names,
        None => defaults
            .repeat(directions)
            .iter()
            .map(|&name| name.into())
            .collect(),
    };
    // RNN's default is written for two directions, and some write it out for one.
    if defaults.len() == 1 && directions == 1 && names == ["Tanh", "Tanh"] {
        names.pop();
    }
    let count = defaults.len() * directions;
    if names.len() != count {
        let expected = format!("{count} functions");
        return Err(attributes.refuse("activations", &expected, names));
    }
    if let Some(name) = names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Error::Activation {
            node: node.into(),
            name: name.clone(),
            known: KNOWN,
        });
    }
    let alphas = consume(attributes, "activation_alpha", &names, 0)?;
    let betas = consume(attributes, "activation_beta", &names, 1)?;
    let functions = names.iter().zip(alphas.into_iter().zip(betas));
    let made = functions.map(|(name, (alpha, beta))| match name.as_str() {
        "Relu" => Activation::Relu,
        "Tanh" => Activation::Tanh,
        "Sigmoid" => Activation::Sigmoid,
        "Affine" => Activation::Affine { alpha, beta },
        "LeakyRelu" => Activation::LeakyRelu { alpha },
        "ThresholdedRelu" => Activation::ThresholdedRelu { alpha },
        "ScaledTanh" => Activation::ScaledTanh { alpha, beta },
        "HardSigmoid" => Activation::HardSigmoid { alpha, beta },
        "Elu" => Activation::Elu { alpha },
        "Softsign" => Activation::Softsign,
        "Softplus" => Activation::Softplus,
        _ => unreachable!("the names were looked up in the list of those known"),
    });
    Ok(made.collect())
}

/// The alphas (`which` 0) or betas (1), one for each function; 0 for a function that has none.
fn consume(
    attributes: &mut Attributes,
    attribute: &str,
    names: &[String],
    which: usize,
) -> Result<Vec<f64>, Error> {
    let given = attributes.floats(attribute)?;
    if given.iter().any(|number| !number.is_finite()) {
        return Err(attributes.refuse(attribute, "finite numbers", given));
    }
    let takes = |name: &String| numbers(name)[which];
    let takers = names.iter().filter(|name| takes(name).is_some()).count();
    let mut list = given.iter();
    let mut taken = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let value = match takes(name) {
            None => 0.0,
            Some(number) => match (list.next(), number) {
                (Some(&value), _) => {
                    // A list of one for each function must not say something else.
                    let at_position = given.get(position).map(|value| value.to_bits());
                    if given.len() > takers && at_position != Some(value.to_bits()) {
                        let expected =
                            format!("{takers} numbers, one for each function that has one");
                        return Err(attributes.refuse(attribute, &expected, given));
                    }
                    value
                }
                (None, Number::Default(value)) => value,
                (None, Number::Needed) => {
                    let expected = format!("a number for {name}, which has no default");
                    return Err(attributes.refuse(attribute, &expected, given));
                }
            },
        };
        taken.push(f64::from(value));
    }
    if given.len() > takers && given.len() != names.len() {
        let expected = format!("at most {takers} numbers, one for each function that has one");
        return Err(attributes.refuse(attribute, &expected, given));
    }
    Ok(taken)
}
