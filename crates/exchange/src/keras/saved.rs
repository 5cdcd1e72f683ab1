//! Arrays that Python saved, layer by layer.
//!
//! ```text
//! NAME.0, NAME.1, ..    get_weights() of the layer called NAME, in a .safetensors file
//! ```

use burn::tensor::TensorData;

use crate::Error;
use crate::pytorch::StateDict;

/// The arrays of one layer of a file that Python saved as in the example of [`keras`](crate::keras): `layer.0`,
/// `layer.1` and so on.
///
/// # Errors
///
/// When there are none of this layer, when one of them is missing or called otherwise, or when the file is damaged.
pub fn saved(file: &StateDict, layer: &str) -> Result<Vec<TensorData>, Error> {
    let own = file.names().filter(|name| of(name) == layer).count();
    let mut arrays = Vec::with_capacity(own);
    for index in 0..own.max(1) {
        match file.data(&format!("{layer}.{index}"))? {
            Some(array) => arrays.push(array),
            None => {
                let names = file.names().map(str::to_string);
                return Err(Error::NoArrays {
                    layer: layer.into(),
                    index,
                    names: names.collect(),
                });
            }
        }
    }
    Ok(arrays)
}

/// The layer that an array is of.
fn of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(layer, _)| layer)
}
