//! The inputs of a node, by the names that the operators give them.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::constant::{Constants, Value};
use super::model::NodePlace;
use super::zeros::{self, Zeros};
use super::{Error, Kind, Model};
use crate::NotFinite;

/// Where the value of an input comes from.
#[derive(Debug, Clone)]
pub(super) enum Source<T> {
    /// The node does without, or the model gives it zeros, which is the same.
    Absent,
    /// It is stored in the model or a constant expression of what is, or was handed in to stand for what the model stores.
    Stored(T),
    /// The model computes it or is fed it, under this name.
    Fed(String),
}

impl<T> Source<T> {
    pub fn try_map<U>(self, f: impl FnOnce(T) -> Result<U, Error>) -> Result<Source<U>, Error> {
        Ok(match self {
            Self::Absent => Source::Absent,
            Self::Stored(value) => Source::Stored(f(value)?),
            Self::Fed(name) => Source::Fed(name),
        })
    }
}

pub(super) struct Inputs<'a> {
    place: &'a NodePlace<'a>,
    constants: Constants<'a>,
    names: &'static [&'static str],
    given: BTreeMap<String, TensorData>,
}

/// Those that a layer is built of; the others are given to its runs.
const WEIGHTS: [&str; 4] = ["W", "R", "B", "P"];

impl<'a> Inputs<'a> {
    pub fn new(
        model: &'a Model,
        place: &'a NodePlace<'a>,
        given: BTreeMap<String, TensorData>,
    ) -> Result<Self, Error> {
        let names: &[&str] = match place.node.kind {
            Kind::Rnn | Kind::Gru => &["X", "W", "R", "B", "sequence_lens", "initial_h"],
            Kind::Lstm => &[
                "X",
                "W",
                "R",
                "B",
                "sequence_lens",
                "initial_h",
                "initial_c",
                "P",
            ],
        };
        let folder = model.folder.as_deref();
        let inputs = Self {
            place,
            constants: Constants::new(place, model.operator_set, folder),
            names,
            given,
        };
        if let Some(extra) = place.node.inputs.get(names.len()) {
            let expected = format!("at most {} inputs", names.len());
            return Err(inputs.refuse(extra, expected, place.node.inputs.len()));
        }
        let weights = WEIGHTS.map(|weight| inputs.called(weight));
        let unknown = |name: &&String| !weights.contains(&Some(name.as_str()));
        match inputs.given.keys().find(unknown) {
            Some(name) => {
                let known: Vec<&str> = weights.into_iter().flatten().collect();
                Err(inputs.refuse(name, format!("one of the weights {known:?}"), "another"))
            }
            None => Ok(inputs),
        }
    }

    /// What the model calls an input.
    fn called(&self, input: &str) -> Option<&'a str> {
        let index = self.names.iter().position(|name| *name == input)?;
        let name = self.place.node.inputs.get(index).map(String::as_str);
        name.filter(|name| !name.is_empty())
    }

    pub fn source(&self, input: &str) -> Result<Source<TensorData>, Error> {
        let Some(name) = self.called(input) else {
            return Ok(Source::Absent);
        };
        if let Some(given) = self.given.get(name) {
            return Ok(Source::Stored(given.clone()));
        }
        Ok(match self.constants.value(name)? {
            Value::Constant(stored) => Source::Stored(stored.as_ref().clone()),
            Value::Open(_) => Source::Fed(name.into()),
        })
    }

    /// The extent of a tensor's last axis, if the model declares it.
    pub fn last_extent(&self, name: &str) -> Option<usize> {
        self.constants.last_extent(name)
    }

    /// The tensor of this name, if it is zeros whatever the batch.
    pub fn zeros(&self, name: &str) -> Result<Option<Zeros>, Error> {
        zeros::find(&self.constants, name)
    }

    /// A tensor that the layer is built of; `None` if the node does without.
    pub fn weight(&self, input: &str) -> Result<Option<TensorData>, Error> {
        match self.source(input)? {
            Source::Absent => Ok(None),
            Source::Stored(value) => Ok(Some(value)),
            Source::Fed(name) => {
                let expected =
                    "what the model stores, or a constant expression of it, or a tensor handed in";
                let found = match self.constants.value(&name)? {
                    Value::Open(why) => why.to_string(),
                    Value::Constant(_) => name,
                };
                Err(self.refuse(input, expected, found))
            }
        }
    }

    /// A tensor that every node of the kind has.
    pub fn required(&self, input: &str) -> Result<TensorData, Error> {
        let weight = self.weight(input)?;
        weight.ok_or_else(|| self.refuse(input, "a tensor", "none"))
    }

    /// An error about an input.
    pub fn refuse(&self, input: &str, expected: impl ToString, found: impl ToString) -> Error {
        Error::Input {
            node: self.place.node.name.clone(),
            input: input.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// Refuses a tensor of another shape.
    pub fn check_shape(
        &self,
        input: &str,
        tensor: &TensorData,
        expected: &[usize],
    ) -> Result<(), Error> {
        match tensor.shape().as_slice() {
            found if found == expected => Ok(()),
            found => Err(Error::Shape {
                node: self.place.node.name.clone(),
                input: input.into(),
                expected: format!("{expected:?}"),
                found: found.into(),
            }),
        }
    }

    /// The type that a layer computes in whose weights are of `stored`: its own, or f32 where that
    /// is of 16 bits.
    pub fn computed(&self, input: &str, stored: DType, device: &Device) -> Result<DType, Error> {
        let computed = match stored {
            DType::F16 | DType::BF16 => DType::F32,
            other => other,
        };
        let refuse = |expected: &str| {
            Err(Error::ElementType {
                tensor: self.called(input).unwrap_or(input).into(),
                expected: expected.into(),
                found: format!("{stored:?}"),
            })
        };
        match computed {
            DType::F32 | DType::F64 if device.supports_dtype(computed) => Ok(computed),
            DType::F32 | DType::F64 => refuse("one that the device computes in"),
            _ => refuse("f32, f64, f16 or bf16"),
        }
    }

    /// A tensor of finite numbers in the type that the layer computes in.
    pub fn tensor<const D: usize>(
        &self,
        input: &str,
        data: TensorData,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor<D>, Error> {
        let found = self.computed(input, data.dtype(), device)?;
        if found != dtype {
            return Err(Error::ElementType {
                tensor: self.called(input).unwrap_or(input).into(),
                expected: format!("{dtype:?}, as that of W"),
                found: format!("{found:?}"),
            });
        }
        NotFinite::check(self.called(input).unwrap_or(input), &data, dtype)?;
        Ok(Tensor::from_data(data, (device, dtype)))
    }
}
