//! A node's attributes, taken one by one; what nobody takes is refused at the end.

use super::Error;
use super::protobuf::{AttributeProto, NodeProto, TensorProto};

/// The attributes that have not been taken.
pub(super) struct Attributes<'a> {
    node: &'a str,
    left: Vec<&'a AttributeProto>,
}

/// The numbers of `AttributeProto.AttributeType`.
#[derive(Clone, Copy)]
enum Type {
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Floats = 6,
    Ints = 7,
    Strings = 8,
}

impl<'a> Attributes<'a> {
    pub fn new(node: &'a str, message: &'a NodeProto) -> Self {
        Self {
            node,
            left: message.attribute.iter().collect(),
        }
    }

    /// The error about the value of one of this node's attributes.
    pub fn refuse(&self, attribute: &str, expected: &str, found: impl std::fmt::Debug) -> Error {
        Error::Attribute {
            node: self.node.into(),
            attribute: attribute.into(),
            expected: expected.into(),
            found: format!("{found:?}"),
        }
    }

    fn take(&mut self, name: &str, kind: Type) -> Result<Option<&'a AttributeProto>, Error> {
        let Some(index) = self.left.iter().position(|a| a.name == name) else {
            return Ok(None);
        };
        let attribute = self.left.swap_remove(index);
        if !attribute.ref_attr_name.is_empty() {
            let found = &attribute.ref_attr_name;
            return Err(self.refuse(
                name,
                "a value, not the name of a function's attribute",
                found,
            ));
        }
        // The first files that ONNX wrote have no types.
        if attribute.r#type != 0 && attribute.r#type != kind as i32 {
            let expected = match kind {
                Type::Float => "a number of type FLOAT",
                Type::Int => "a number of type INT",
                Type::String => "a text of type STRING",
                Type::Tensor => "a tensor of type TENSOR",
                Type::Floats => "numbers of type FLOATS",
                Type::Ints => "numbers of type INTS",
                Type::Strings => "texts of type STRINGS",
            };
            let found = format!(
                "number {} of AttributeProto.AttributeType",
                attribute.r#type
            );
            return Err(self.refuse(name, expected, found));
        }
        Ok(Some(attribute))
    }

    pub fn float(&mut self, name: &str) -> Result<Option<f32>, Error> {
        Ok(self.take(name, Type::Float)?.map(|attribute| attribute.f))
    }

    pub fn int(&mut self, name: &str) -> Result<Option<i64>, Error> {
        Ok(self.take(name, Type::Int)?.map(|attribute| attribute.i))
    }

    /// An attribute that is 0 or 1; 0 when it is not there.
    pub fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.int(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(found) => Err(self.refuse(name, "0 or 1", found)),
        }
    }

    pub fn floats(&mut self, name: &str) -> Result<&'a [f32], Error> {
        let attribute = self.take(name, Type::Floats)?;
        Ok(attribute.map_or(&[], |attribute| &attribute.floats))
    }

    /// Whole numbers; `None` where they are not there.
    pub fn ints(&mut self, name: &str) -> Result<Option<&'a [i64]>, Error> {
        let attribute = self.take(name, Type::Ints)?;
        Ok(attribute.map(|attribute| attribute.ints.as_slice()))
    }

    pub fn tensor(&mut self, name: &str) -> Result<Option<&'a TensorProto>, Error> {
        let attribute = self.take(name, Type::Tensor)?;
        Ok(attribute.and_then(|attribute| attribute.t.as_ref()))
    }

    pub fn string(&mut self, name: &str) -> Result<Option<String>, Error> {
        let attribute = self.take(name, Type::String)?;
        Ok(attribute.map(|attribute| text(&attribute.s)))
    }

    pub fn strings(&mut self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let attribute = self.take(name, Type::Strings)?;
        Ok(attribute.map(|attribute| attribute.strings.iter().map(|s| text(s)).collect()))
    }

    /// Refuses what has not been taken.
    pub fn finish(self) -> Result<(), Error> {
        match self.left.first() {
            Some(attribute) => {
                let expected = "an attribute that the operator has, once";
                Err(self.refuse(&attribute.name, expected, &attribute.name))
            }
            None => Ok(()),
        }
    }
}

/// Bytes that are no text are shown as such, and then match nothing that is expected.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
