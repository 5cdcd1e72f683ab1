//! Tensors by name, as `state_dict()` gives them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use burn_store::burn_pack::{AtomicFile, Tensor};
use burn_store::{Applier, bridge};
use safetensors::tensor::{Dtype, TensorView};

use super::named::Named;
use super::parts::{self, Kept};
use super::wanted::{Wanted, wanted, with_dot};
use super::{Rename, Twin, file, proposal};
use crate::{Error, Mismatch, NotFinite, Shaped};

/// Tensors by name, as PyTorch's `state_dict()` gives them: of a file, or of layers.
///
/// Nothing but names, types and shapes is read until a layer takes its part.
#[derive(Default)]
pub struct StateDict {
    tensors: BTreeMap<String, Tensor>,
    /// Those that are copies with elements dropped out, each with the name of the whole one.
    copies: BTreeMap<String, String>,
    /// Where it is from, for errors.
    path: PathBuf,
}

impl std::fmt::Debug for StateDict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tensors = self.tensors.values();
        let shapes = tensors.map(|tensor| (&tensor.name, tensor.dtype, &tensor.shape));
        f.debug_list().entries(shapes).finish()
    }
}

impl StateDict {
    /// Opens a `.safetensors` file, or a file written by `torch.save` (`.pt`, `.pth`), in the current format or
    /// in that of PyTorch before 1.6. The format is recognised by the content of the file.
    ///
    /// Dictionaries in dictionaries become names with dots: of
    /// `torch.save({"model": model.state_dict(), ..})`, the names begin with `model.`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is neither, is damaged, is compressed (PyTorch does not), or
    /// holds objects that only code could make.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let tensors = file::open(path)?;
        Ok(Self {
            copies: parts::copies(&tensors),
            tensors,
            path: path.to_path_buf(),
        })
    }

    /// The tensors of one layer; see [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// When PyTorch has no such layer.
    pub fn of<M: Twin>(layer: &M, prefix: &str) -> Result<Self, Error> {
        let mut state = Self::default();
        state.insert(layer, prefix)?;
        Ok(state)
    }

    /// Adds the tensors of a layer under the names that its twin has in a PyTorch module that
    /// calls it by `prefix`: `encoder.rnn.`, or nothing for the module itself.
    ///
    /// # Errors
    ///
    /// When PyTorch has no such layer, or a name is there already.
    pub fn insert<M: Twin>(&mut self, layer: &M, prefix: &str) -> Result<(), Error> {
        let mut named = Vec::new();
        for wanted in wanted(layer, prefix)? {
            let tensor = match wanted.transposed {
                true => {
                    let data = transposed(self.read(&wanted.tensor)?);
                    bridge::from_data(data, wanted.tensor.name.clone(), None)
                }
                false => wanted.tensor,
            };
            for name in wanted.names {
                if self.tensors.contains_key(&name) {
                    return Err(Error::Twice { name });
                }
                let mut tensor = tensor.clone();
                tensor.name = name;
                named.push(tensor);
            }
        }
        let named = named
            .into_iter()
            .map(|tensor| (tensor.name.clone(), tensor));
        self.tensors.extend(named);
        Ok(())
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor; `None` if there is none of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..])
    }

    /// The numbers of a tensor, of its own type; `None` if there is none of this name.
    ///
    /// # Errors
    ///
    /// When the file is damaged.
    pub fn data(&self, name: &str) -> Result<Option<TensorData>, Error> {
        self.tensors
            .get(name)
            .map(|tensor| self.read(tensor))
            .transpose()
    }

    /// The same tensors under other names, by rules that are applied one after the other.
    ///
    /// Where a rule takes `_raw` from the name of a tensor, the tensor stands for the one that has that name
    /// already, which AWD-LSTM's WeightDrop has left there: a copy with elements dropped out.
    ///
    /// ```
    /// use backdraft_cells::prelude::*;
    /// use backdraft_exchange::pytorch::StateDict;
    /// use burn::tensor::Device;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/wrapped.safetensors");
    /// # let file = StateDict::open(path)?.renamed_by(|name| Some(name.strip_prefix("compiled:")?.into()))?;
    /// # /*
    /// // torch.save(torch.compile(tagger).state_dict(), "compiled.pt")
    /// let file = StateDict::open("compiled.pt")?;
    /// # */
    /// let file = file.renamed(&["_orig_mod=".parse()?])?;
    /// let lstm = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), 2);
    /// let lstm = file.load(lstm.init(&Device::default())?, "encoder.rnn")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When a rule fits no name, leaves nothing of one, or would give one name to two tensors.
    pub fn renamed(self, rules: &[Rename]) -> Result<Self, Error> {
        self.with_names(|named| named.by_rules(rules))
    }

    /// The same tensors under the names that `rule` gives them; what it gives none is left out.
    ///
    /// # Errors
    ///
    /// When two tensors would have one name.
    pub fn renamed_by(self, rule: impl FnMut(&str) -> Option<String>) -> Result<Self, Error> {
        self.with_names(|named| named.renamed(rule))
    }

    fn with_names(
        self,
        rename: impl FnOnce(Named<Tensor>) -> Result<Named<Tensor>, Error>,
    ) -> Result<Self, Error> {
        let Named {
            all: mut tensors,
            copies,
        } = rename(Named {
            all: self.tensors,
            copies: self.copies,
        })?;
        for (name, tensor) in &mut tensors {
            tensor.name.clone_from(name);
        }
        Ok(Self {
            tensors,
            copies,
            path: self.path,
        })
    }

    /// `layer` with the weights that stand here under `prefix`, converted to the type of its own.
    ///
    /// A weight that is kept in two parts by `weight_norm`, PyTorch's old one or that of its parametrizations, is
    /// their product. One that has a `_raw` beside it is a copy with elements dropped out, and refused; see
    /// [`renamed`](Self::renamed).
    ///
    /// # Errors
    ///
    /// When PyTorch has no such layer, the file is damaged, what is under the prefix is not
    /// what the layer has: every missing, unexpected and misshapen tensor, by name; or when a number
    /// is not finite, or too large for the layer's type.
    pub fn load<M: Twin>(&self, layer: M, prefix: &str) -> Result<M, Error> {
        let wanted = wanted(&layer, prefix)?;
        let found = self.fit(&wanted, prefix)?;
        let mut tensors = Vec::with_capacity(found.len());
        let mut untied = Vec::new();
        for (wanted, found) in wanted.iter().zip(found) {
            let tensor = &wanted.tensor;
            let (name, _) = found[0].tensors()[0];
            let data = self.numbers(&found[0])?;
            NotFinite::check(name, &data, tensor.dtype).map_err(|number| Error::NotFinite {
                what: self.describe(""),
                number,
            })?;
            for other in &found[1..] {
                if self.numbers(other)? != data {
                    untied.push((name.to_string(), other.tensors()[0].0.to_string()));
                }
            }
            let data = match wanted.transposed {
                true => transposed(data),
                false => data,
            };
            let data = data
                .try_cast(tensor.dtype)
                .map_err(|error| self.refused(format!("{name}: {error}")))?;
            tensors.push(bridge::from_data(data, tensor.name.clone(), None));
        }
        if !untied.is_empty() {
            return Err(Error::from(Box::new(Mismatch {
                what: self.describe(prefix),
                untied,
                ..Mismatch::default()
            })));
        }
        let mut applier = Applier::new(tensors, None, None, false);
        let layer = layer.map(&mut applier);
        let result = applier.into_result();
        assert!(
            result.errors.is_empty() && result.missing.is_empty() && result.unused.is_empty(),
            "tensors of the layer's own names and shapes are taken: {result:?}"
        );
        Ok(layer)
    }

    /// Writes a `.safetensors` file, whole or not at all: for
    /// `module.load_state_dict(safetensors.torch.load_file(path), strict=True)`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let unwritable = |reason: String| Error::Unwritable {
            path: path.to_path_buf(),
            reason,
        };
        let mut contents = Vec::with_capacity(self.tensors.len());
        for tensor in self.tensors.values() {
            let dtype = stored_as(tensor.dtype).ok_or_else(|| {
                unwritable(format!("{}: no format for {:?}", tensor.name, tensor.dtype))
            })?;
            let bytes = tensor
                .to_bytes()
                .map_err(|error| self.refused(error.to_string()))?;
            contents.push((&tensor.name, dtype, tensor.shape.to_vec(), bytes));
        }
        let views = contents.iter().map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name, view))
        });
        // What readers of PyTorch's weights look for.
        let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
        let bytes = views
            .collect::<Result<Vec<_>, _>>()
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| unwritable(error.to_string()))?;

        // Burn's own error is about a file beside it, which nobody has heard of.
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = fs::metadata(folder.unwrap_or(Path::new(".")));
        folder.map_err(|error| unwritable(error.to_string()))?;
        let (whole, mut handle) =
            AtomicFile::create(path).map_err(|error| unwritable(error.to_string()))?;
        handle
            .write_all(&bytes)
            .and_then(|()| handle.sync_all())
            .map_err(|error| unwritable(error.to_string()))?;
        drop(handle);
        whole
            .commit()
            .map_err(|error| unwritable(error.to_string()))
    }

    /// For each parameter the weights that stand for it, one or, where PyTorch ties, several.
    fn fit(&self, wanted: &[Wanted], prefix: &str) -> Result<Vec<Vec<Kept<'_, Tensor>>>, Error> {
        let mut mismatch = Mismatch {
            what: self.describe(prefix),
            ..Mismatch::default()
        };
        let mut all = Vec::with_capacity(wanted.len());
        let mut known = BTreeSet::new();
        for wanted in wanted {
            let (names, shape) = (&wanted.names, wanted.shape());
            let kept = names
                .iter()
                .filter_map(|name| Kept::find(&self.tensors, name));
            let found: Vec<Kept<Tensor>> = kept.collect();
            if found.is_empty() {
                mismatch.missing.push(Shaped::new(&names[0], &shape));
            }
            for found in &found {
                let tensors = found.tensors();
                known.extend(tensors.iter().map(|(name, _)| *name));
                self.check(&tensors, &shape, &mut mismatch);
            }
            all.push(found);
        }
        let prefix = with_dot(prefix);
        let under = self
            .tensors
            .values()
            .filter(|tensor| tensor.name.starts_with(&prefix));
        let unexpected = under.filter(|tensor| !known.contains(tensor.name.as_str()));
        mismatch.unexpected = unexpected
            .map(|tensor| Shaped::new(&tensor.name, &tensor.shape))
            .collect();
        if mismatch.is_empty() {
            return Ok(all);
        }
        if !mismatch.missing.is_empty() || !mismatch.copies.is_empty() {
            let shapes = self.tensors.iter();
            let shapes = shapes.map(|(name, tensor)| (name.clone(), tensor.shape.to_vec()));
            let wanted: Vec<_> = wanted
                .iter()
                .map(|wanted| (wanted.names.clone(), wanted.shape()))
                .collect();
            let shapes = Named {
                all: shapes.collect(),
                copies: self.copies.clone(),
            };
            mismatch.proposal = proposal::find(&wanted, &prefix, &shapes);
        }
        if !self.names().any(|name| name.starts_with(&prefix)) {
            let first = |name: &str| match name.split_once('.') {
                Some((first, _)) => format!("{first}."),
                None => name.to_string(),
            };
            let beginnings: BTreeSet<String> = self.names().map(first).collect();
            mismatch.beginnings = beginnings.into_iter().collect();
        }
        Err(Error::from(Box::new(mismatch)))
    }

    /// Notes what is wrong with the tensors of a weight of `shape`; the first of them has that shape.
    fn check(&self, tensors: &[(&str, &Tensor)], shape: &[usize], mismatch: &mut Mismatch) {
        let (name, first) = tensors[0];
        let expected = match tensors.get(1) {
            _ if first.shape[..] != *shape => Some((Shaped::new(name, shape), first)),
            Some((lengths, tensor)) if !parts::fits(&tensor.shape, shape) => {
                let mut rows = vec![1; shape.len()];
                rows[0] = shape[0];
                Some((Shaped::new(*lengths, &rows), *tensor))
            }
            _ => None,
        };
        if let Some((expected, found)) = expected {
            mismatch.misshapen.push((expected, found.shape.to_vec()));
            return;
        }
        for (name, tensor) in tensors
            .iter()
            .filter(|(_, tensor)| !tensor.dtype.is_float())
        {
            let dtype = format!("{:?}", tensor.dtype);
            mismatch.mistyped.push((name.to_string(), dtype));
        }
        if let Some(whole) = self.copies.get(name) {
            mismatch.copies.push((name.to_string(), whole.clone()));
        }
    }

    /// The numbers of a weight.
    fn numbers(&self, kept: &Kept<Tensor>) -> Result<TensorData, Error> {
        match kept {
            Kept::Plain((_, tensor)) => self.read(tensor),
            Kept::Normed {
                lengths,
                directions,
            } => Ok(parts::product(
                &self.read(lengths.1)?,
                &self.read(directions.1)?,
            )),
        }
    }

    fn read(&self, tensor: &Tensor) -> Result<TensorData, Error> {
        bridge::to_data(tensor).map_err(|error| self.refused(error.to_string()))
    }

    fn refused(&self, reason: String) -> Error {
        let path = self.path.clone();
        Error::Refused { path, reason }
    }

    fn describe(&self, prefix: &str) -> String {
        let source = match self.path.as_os_str().is_empty() {
            true => "the state dict".to_string(),
            false => self.path.display().to_string(),
        };
        match prefix {
            "" => source,
            prefix => format!("`{}` in {source}", with_dot(prefix)),
        }
    }
}

/// A matrix whose rows are its columns.
fn transposed(data: TensorData) -> TensorData {
    let (shape, dtype) = (data.shape().to_vec(), data.dtype());
    let [rows, columns] = shape[..] else {
        unreachable!("what is transposed is a matrix, found {shape:?}");
    };
    let (size, bytes) = (dtype.size(), data.as_bytes());
    let mut turned = Vec::with_capacity(bytes.len());
    for column in 0..columns {
        for row in 0..rows {
            turned.extend_from_slice(&bytes[(row * columns + column) * size..][..size]);
        }
    }
    TensorData::from_bytes_vec(turned, [columns, rows], dtype)
}

fn stored_as(dtype: DType) -> Option<Dtype> {
    match dtype {
        DType::F64 => Some(Dtype::F64),
        DType::F32 | DType::Flex32 => Some(Dtype::F32),
        DType::F16 => Some(Dtype::F16),
        DType::BF16 => Some(Dtype::BF16),
        _ => None,
    }
}
