//! The numbers of a tensor on the host.

use burn::tensor::{Element, TensorData};

/// All of them. To ask of each what type it has takes longer than most of what is done with it, so what is f32 is taken
/// as it is.
pub(crate) fn numbers<N: Element + From<f32>>(data: &TensorData) -> Vec<N> {
    match data.as_slice::<f32>() {
        Ok(values) => values.iter().copied().map(N::from).collect(),
        Err(_) => data.iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_type_are_taken() {
        let expected = [1.5f64, -2.0, 0.0, 4.0];
        let floats = TensorData::new(vec![1.5f32, -2.0, 0.0, 4.0], [2, 2]);
        let doubles = TensorData::new(expected.to_vec(), [4]);
        for data in [&floats, &doubles] {
            assert_eq!(numbers::<f64>(data), expected);
            assert_eq!(numbers::<f32>(data), expected.map(|x| x as f32));
        }
    }
}
