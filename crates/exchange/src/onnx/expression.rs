//! The operators that rearrange constants.
//!
//! ```text
//! Cast        to                                  the same numbers, of another type
//! Slice       starts, ends, axes, steps           from a start to before an end, on some of the axes
//! Concat      axis                                one after the other
//! Unsqueeze   axes                                axes of extent 1, more
//! Squeeze     axes                                axes of extent 1, less
//! Transpose   perm                                the axes in another order
//! Reshape     shape; 0 as before, -1 the rest     the same elements in rows of other lengths
//! ```
//!
//! Lists of axes and the like were attributes once and are inputs now: of Slice since operator set 10, of Squeeze and
//! Unsqueeze since 13.

use std::rc::Rc;

use burn::tensor::{DType, TensorData};

use super::Error;
use super::attributes::Attributes;
use super::constant::MOST_DIMENSIONS;
use super::protobuf::NodeProto;
use super::rearrange::{count, joined, picked, strides};

/// Whether a node of this operator is computed where its inputs are constant.
pub(super) fn is_known(operator: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "Identity",
        "Cast",
        "Slice",
        "Concat",
        "Unsqueeze",
        "Squeeze",
        "Transpose",
        "Reshape",
    ];
    KNOWN.contains(&operator)
}

/// A node, all of whose inputs are constant.
pub(super) struct Expression<'a> {
    /// What it computes.
    pub name: &'a str,
    pub node: &'a NodeProto,
    pub operator_set: i64,
    pub arguments: Vec<Option<Rc<TensorData>>>,
}

impl Expression<'_> {
    pub fn compute(&self) -> Result<TensorData, Error> {
        let mut attributes = Attributes::new(self.name, self.node);
        let of = &mut attributes;
        let computed = match self.node.op_type.as_str() {
            "Cast" => self.cast(of),
            "Slice" => self.slice(of),
            "Concat" => self.concat(of),
            "Unsqueeze" => self.unsqueeze(of),
            "Squeeze" => self.squeeze(of),
            "Transpose" => self.transpose(of),
            "Reshape" => self.reshape(of),
            _ => self.refuse("one input", self.arguments.len()),
        };
        let computed = computed?;
        attributes.finish()?;
        Ok(computed)
    }

    fn refuse<T>(&self, expected: impl ToString, found: impl std::fmt::Debug) -> Result<T, Error> {
        Err(Error::Operation {
            tensor: self.name.into(),
            operator: self.node.op_type.clone(),
            expected: expected.to_string(),
            found: format!("{found:?}"),
        })
    }

    /// The tensor that is rearranged, and its shape; there are at most `most` inputs.
    fn data(&self, most: usize) -> Result<(&TensorData, Vec<usize>), Error> {
        match self.arguments.first() {
            Some(Some(data)) if self.arguments.len() <= most => {
                Ok((data.as_ref(), data.shape().to_vec()))
            }
            _ => self.refuse(format!("1 to {most} inputs"), self.node.input.len()),
        }
    }

    /// Whole numbers of an input; `None` if it is left out.
    fn numbers(&self, input: usize) -> Result<Option<Vec<i64>>, Error> {
        let Some(Some(data)) = self.arguments.get(input) else {
            return Ok(None);
        };
        match data.dtype() {
            DType::I64 | DType::I32 if data.rank() <= 1 => Ok(Some(data.iter::<i64>().collect())),
            found => self.refuse("a list of whole numbers", (found, data.shape().to_vec())),
        }
    }

    /// What is an input since operator set `since`, and was an attribute.
    fn list(
        &self,
        attributes: &mut Attributes,
        name: &str,
        since: i64,
    ) -> Result<Option<Vec<i64>>, Error> {
        match self.operator_set >= since {
            true => self.numbers(1),
            false => Ok(attributes.ints(name)?.map(<[i64]>::to_vec)),
        }
    }

    /// Axes of a tensor with `rank` of them, each once; negative ones count from the end.
    fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Error> {
        let mut found = Vec::new();
        for &axis in axes {
            let from_start = match axis {
                ..0 => axis.checked_add(rank as i64),
                _ => Some(axis),
            };
            let known = from_start.and_then(|axis| usize::try_from(axis).ok());
            match known.filter(|axis| *axis < rank && !found.contains(axis)) {
                Some(axis) => found.push(axis),
                None => return self.refuse(format!("axes of {rank}, each once"), axes),
            }
        }
        Ok(found)
    }

    fn cast(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, _) = self.data(1)?;
        // These say how 8 bits are rounded.
        attributes.int("saturate")?;
        attributes.string("round_mode")?;
        // The numbers of `TensorProto.DataType`.
        let to = match attributes.int("to")? {
            Some(1) => DType::F32,
            Some(6) => DType::I32,
            Some(7) => DType::I64,
            Some(10) => DType::F16,
            Some(11) => DType::F64,
            Some(16) => DType::BF16,
            found => {
                let expected = "FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT32 or INT64";
                return Err(attributes.refuse("to", expected, found));
            }
        };
        match data.clone().try_cast(to) {
            Ok(cast) => Ok(cast),
            Err(error) => self.refuse(format!("numbers that can be {to:?}"), error.to_string()),
        }
    }

    fn slice(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, shape) = self.data(5)?;
        let [starts, ends, axes, steps] = match self.operator_set {
            10.. => [1, 2, 3, 4].map(|input| self.numbers(input)),
            _ => ["starts", "ends", "axes", "steps"].map(|name| match name {
                "steps" => Ok(None),
                name => Ok(attributes.ints(name)?.map(<[i64]>::to_vec)),
            }),
        };
        let (starts, ends) = (starts?.unwrap_or_default(), ends?.unwrap_or_default());
        let axes = axes?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let axes = self.axes(&axes, shape.len())?;
        let steps = steps?.unwrap_or_else(|| vec![1; starts.len()]);
        let counts = [starts.len(), ends.len(), axes.len(), steps.len()];
        if counts.iter().any(|count| *count != counts[0]) || steps.contains(&0) {
            return self.refuse("a start, an end and a step for each axis", counts);
        }
        let apart = strides(&shape);
        let (mut cut, mut strides, mut first) = (shape.clone(), apart.clone(), 0);
        for (index, &axis) in axes.iter().enumerate() {
            let (extent, step) = (shape[axis] as i64, steps[index]);
            let from_start = |at: i64| match at {
                ..0 => at.saturating_add(extent),
                _ => at,
            };
            let (start, end) = (from_start(starts[index]), from_start(ends[index]));
            let (start, end) = match step {
                1.. => (start.clamp(0, extent), end.clamp(0, extent)),
                _ => (start.clamp(-1, extent - 1), end.clamp(-1, extent - 1)),
            };
            let way = (end - start) * step.signum();
            let count = way.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
            cut[axis] = count;
            if count > 0 {
                first += start as usize * apart[axis] as usize;
                // With one element the step is never taken, so it may be of any length.
                strides[axis] = apart[axis] * if count > 1 { step as isize } else { 1 };
            }
        }
        Ok(picked(data, &cut, first, &strides))
    }

    fn concat(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (first, shape) = self.data(usize::MAX)?;
        let all: Vec<&TensorData> = self.arguments.iter().flatten().map(Rc::as_ref).collect();
        let axis = attributes.int("axis")?;
        let axis = self.axes(axis.as_slice(), shape.len())?;
        let Some(&axis) = axis.first() else {
            return self.refuse("an axis", "none");
        };
        let but_for_axis = |data: &TensorData| {
            let mut shape = data.shape().to_vec();
            (shape.len() > axis).then(|| shape.remove(axis));
            (data.rank(), shape, data.dtype())
        };
        if all.len() < self.arguments.len()
            || all
                .iter()
                .any(|one| but_for_axis(one) != but_for_axis(first))
        {
            let shapes = all.iter().map(|one| (one.shape().to_vec(), one.dtype()));
            let expected = format!("tensors that differ along axis {axis} at most");
            return self.refuse(expected, shapes.take(8).collect::<Vec<_>>());
        }
        let mut shape = shape;
        let extents = all.iter().map(|one| one.shape().as_slice()[axis]);
        shape[axis] = extents.fold(0, usize::saturating_add);
        match count(&shape) {
            Some(_) => Ok(joined(&all, axis)),
            None => self.refuse("a shape that can be counted", shape),
        }
    }

    fn unsqueeze(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, mut shape) = self.data(2)?;
        let axes = self.list(attributes, "axes", 13)?.unwrap_or_default();
        let rank = shape.len() + axes.len();
        if rank > MOST_DIMENSIONS {
            return self.refuse(format!("at most {MOST_DIMENSIONS} dimensions"), rank);
        }
        let mut axes = self.axes(&axes, rank)?;
        axes.sort_unstable();
        for axis in axes {
            shape.insert(axis, 1);
        }
        Ok(reshaped(data, shape))
    }

    fn squeeze(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, shape) = self.data(2)?;
        let axes = match self.list(attributes, "axes", 13)? {
            Some(axes) => self.axes(&axes, shape.len())?,
            None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
        };
        if axes.iter().any(|&axis| shape[axis] != 1) {
            return self.refuse(format!("1 element along the axes {axes:?}"), shape);
        }
        let left = (0..shape.len()).filter(|axis| !axes.contains(axis));
        Ok(reshaped(data, left.map(|axis| shape[axis]).collect()))
    }

    fn transpose(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, shape) = self.data(1)?;
        let order = match attributes.ints("perm")? {
            Some(order) => self.axes(order, shape.len())?,
            None => (0..shape.len()).rev().collect(),
        };
        if order.len() != shape.len() {
            return self.refuse(format!("an order of {} axes", shape.len()), order);
        }
        let apart = strides(&shape);
        let turned: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let apart: Vec<isize> = order.iter().map(|&axis| apart[axis]).collect();
        Ok(picked(data, &turned, 0, &apart))
    }

    fn reshape(&self, attributes: &mut Attributes) -> Result<TensorData, Error> {
        let (data, before) = self.data(2)?;
        let keeps_zeros = self.operator_set >= 14 && attributes.flag("allowzero")?;
        let asked = self.numbers(1)?.unwrap_or_default();
        let told = || {
            let expected = format!("a shape of {} elements", data.num_elements());
            self.refuse(expected, asked.iter().take(8).collect::<Vec<_>>())
        };
        if asked.len() > MOST_DIMENSIONS || asked.iter().filter(|&&size| size == -1).count() > 1 {
            return told();
        }
        let mut after = Vec::new();
        for (axis, &size) in asked.iter().enumerate() {
            after.push(match size {
                0 if !keeps_zeros => before.get(axis).copied(),
                -1 => Some(1),
                size => usize::try_from(size).ok(),
            });
        }
        let Some(mut after) = after.into_iter().collect::<Option<Vec<usize>>>() else {
            return told();
        };
        let rest = asked.iter().position(|size| *size == -1);
        if let (Some(rest), Some(others @ 1..)) = (rest, count(&after)) {
            after[rest] = data.num_elements() / others;
        }
        match count(&after) == Some(data.num_elements()) {
            true => Ok(reshaped(data, after)),
            false => told(),
        }
    }
}

/// The same elements in another shape of as many.
fn reshaped(data: &TensorData, shape: Vec<usize>) -> TensorData {
    TensorData::from_bytes_vec(data.as_bytes().to_vec(), shape, data.dtype())
}
