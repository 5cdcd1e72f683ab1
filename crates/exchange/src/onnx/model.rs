//! A model file and its recurrent nodes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use prost::Message;

use super::Error;
use super::protobuf::{GraphProto, ModelProto, NodeProto};

/// A recurrent operator of ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `RNN`, the simple recurrent network.
    Rnn,
    /// `LSTM`.
    Lstm,
    /// `GRU`.
    Gru,
}

/// A recurrent node of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name; where the model gives it none, that of its first output.
    pub name: String,
    /// Its operator.
    pub kind: Kind,
    /// What the model calls its inputs, in the operator's order; empty where one is left out.
    pub inputs: Vec<String>,
    /// What the model calls its outputs (`Y`, `Y_h` and an LSTM's `Y_c`); empty where one is left
    /// out.
    pub outputs: Vec<String>,
}

/// An ONNX model.
#[derive(Debug, Clone)]
pub struct Model {
    graph: GraphProto,
    /// The version of ONNX's own operator set.
    pub(super) operator_set: i64,
    /// Where the file lies, and those with its tensors.
    pub(super) folder: Option<PathBuf>,
}

/// A recurrent node where it stands: the graphs around it, outermost first.
pub(super) struct NodePlace<'a> {
    pub node: Node,
    pub message: &'a NodeProto,
    pub graphs: Vec<&'a GraphProto>,
}

impl Model {
    /// Reads a model file. Tensors in files beside it are read when a layer asks for them.
    ///
    /// # Errors
    ///
    /// When it cannot be read; and as [`from_bytes`](Self::from_bytes).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        let mut model = Self::from_bytes(&bytes)?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        model.folder = Some(folder.unwrap_or(Path::new(".")).into());
        Ok(model)
    }

    /// Reads a model from the bytes of its file. It must hold all of its tensors itself.
    ///
    /// # Errors
    ///
    /// When they are no model, or one of an operator set before version 7, whose recurrent
    /// operators were others.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let model = ModelProto::decode(bytes)?;
        let graph = model.graph.ok_or_else(|| Error::Model {
            expected: "a graph",
            found: "none".into(),
        })?;
        let mut sets = model.opset_import.iter();
        let own = sets.find(|set| is_own(&set.domain)).map(|set| set.version);
        match own {
            Some(operator_set) if operator_set >= 7 => Ok(Self {
                graph,
                operator_set,
                folder: None,
            }),
            found => Err(Error::Model {
                expected: "version 7 or later of ONNX's operator set",
                found: found.map_or("none".into(), |version| format!("version {version}")),
            }),
        }
    }

    /// The recurrent nodes, in the order of the file; those in the bodies of `If`, `Loop` and
    /// `Scan` too, but not those in a model's own functions.
    pub fn nodes(&self) -> Vec<Node> {
        let places = self.places().into_iter();
        places.map(|place| place.node).collect()
    }

    fn places(&self) -> Vec<NodePlace<'_>> {
        let mut places = Vec::new();
        visit(&self.graph, &mut Vec::new(), &mut places);
        places
    }

    /// The one recurrent node of this name.
    pub(super) fn place(&self, name: &str) -> Result<NodePlace<'_>, Error> {
        let mut places = self.places();
        if places.is_empty() {
            let mut operators = BTreeSet::new();
            each_node(&self.graph, &mut |node| {
                operators.insert(node.op_type.clone());
            });
            let operators = operators.into_iter().collect();
            return Err(Error::NoRecurrence { operators });
        }
        let known: Vec<String> = places.iter().map(|p| p.node.name.clone()).collect();
        places.retain(|place| place.node.name == name);
        match places.len() {
            1 => Ok(places.remove(0)),
            found => Err(Error::Node {
                name: name.into(),
                found,
                known,
            }),
        }
    }
}

/// Every node of a graph and of the bodies in it.
fn each_node(graph: &GraphProto, f: &mut impl FnMut(&NodeProto)) {
    for node in &graph.node {
        f(node);
        for attribute in &node.attribute {
            let bodies = attribute.g.as_deref().into_iter().chain(&attribute.graphs);
            bodies.for_each(|body| each_node(body, f));
        }
    }
}

pub(super) fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn visit<'a>(
    graph: &'a GraphProto,
    around: &mut Vec<&'a GraphProto>,
    places: &mut Vec<NodePlace<'a>>,
) {
    around.push(graph);
    for message in &graph.node {
        let kind = match message.op_type.as_str() {
            _ if !is_own(&message.domain) => None,
            "RNN" => Some(Kind::Rnn),
            "LSTM" => Some(Kind::Lstm),
            "GRU" => Some(Kind::Gru),
            _ => None,
        };
        if let Some(kind) = kind {
            let mut names = std::iter::once(&message.name).chain(&message.output);
            let name = names.find(|name| !name.is_empty());
            places.push(NodePlace {
                node: Node {
                    name: name.cloned().unwrap_or_default(),
                    kind,
                    inputs: message.input.clone(),
                    outputs: message.output.clone(),
                },
                message,
                graphs: around.clone(),
            });
        }
        for attribute in &message.attribute {
            let bodies = attribute.g.as_deref().into_iter().chain(&attribute.graphs);
            bodies.for_each(|body| visit(body, around, places));
        }
    }
    around.pop();
}
