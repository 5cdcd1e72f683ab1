//! Weights that are not finite: a model of them would compute nothing but such numbers.

use burn::tensor::{DType, TensorData, bf16, f16};

/// A weight that is no finite number, or too large for the type that it is to be converted to.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name}{place:?}: expected a finite number of type {dtype:?}, found {found:?}")]
pub struct NotFinite {
    /// The tensor.
    pub name: String,
    /// Where in it, the outermost index first.
    pub place: Vec<usize>,
    /// The type of the layer.
    pub dtype: DType,
    /// What it is.
    pub found: f64,
}

impl NotFinite {
    /// Refuses numbers of which one is not finite in `dtype`, by the first of them.
    pub(crate) fn check(name: &str, data: &TensorData, dtype: DType) -> Result<(), Self> {
        let is_finite = |value: f64| match dtype {
            DType::F16 => f16::from_f64(value).is_finite(),
            DType::BF16 => bf16::from_f64(value).is_finite(),
            DType::F32 | DType::Flex32 => (value as f32).is_finite(),
            _ => value.is_finite(),
        };
        let mut values = data.iter::<f64>().enumerate();
        match values.find(|(_, value)| !is_finite(*value)) {
            None => Ok(()),
            Some((index, found)) => Err(Self {
                name: name.to_string(),
                place: place(index, &data.shape().to_vec()),
                dtype,
                found,
            }),
        }
    }
}

/// The indices of the number that is the `index`-th in memory.
fn place(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|extent| {
            let at = index % extent;
            index /= extent;
            at
        })
        .collect();
    place.reverse();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_by_its_place() {
        let mut values = vec![0.5f64; 24];
        let check = |values: &[f64], dtype| {
            NotFinite::check("w", &TensorData::new(values.to_vec(), [2, 3, 4]), dtype)
        };
        assert_eq!(check(&values, DType::F32), Ok(()));
        values[23] = f64::NEG_INFINITY;
        values[18] = 1e39;
        values[17] = 7e4;
        let told = |dtype| check(&values, dtype).unwrap_err().to_string();
        assert_eq!(
            told(DType::F64),
            "w[1, 2, 3]: expected a finite number of type F64, found -inf"
        );
        assert!(told(DType::F32).starts_with("w[1, 1, 2]: "));
        assert_eq!(
            told(DType::F16),
            "w[1, 1, 1]: expected a finite number of type F16, found 70000.0"
        );
    }
}
