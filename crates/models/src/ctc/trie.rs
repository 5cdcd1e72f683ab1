//! Beginnings of labels as a tree: each is the one it goes on from and one label more.

use super::BLANK;

/// The place of a beginning.
pub(super) type Node = usize;

/// The beginning without a label.
pub(super) const ROOT: Node = 0;

/// All beginnings that were ever kept.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    parent: Node,
    /// Its last label; the blank of the root.
    label: u32,
    /// The newest beginning that is longer by one label, and the one before it that goes on from the same.
    child: Option<Node>,
    sibling: Option<Node>,
    /// Where it is among those that are kept now.
    slot: Option<usize>,
}

impl Trie {
    pub(super) fn new() -> Self {
        let root = Link {
            parent: ROOT,
            label: BLANK,
            child: None,
            sibling: None,
            slot: None,
        };
        Self { nodes: vec![root] }
    }

    /// The beginning that goes on from this one by a label: the same one whenever it is asked for.
    pub(super) fn child(&mut self, parent: Node, label: u32) -> Node {
        let first = self.nodes[parent].child;
        let mut children = std::iter::successors(first, |&child| self.nodes[child].sibling);
        if let Some(known) = children.find(|&child| self.nodes[child].label == label) {
            return known;
        }
        let new = self.nodes.len();
        self.nodes.push(Link {
            parent,
            label,
            child: None,
            sibling: first,
            slot: None,
        });
        self.nodes[parent].child = Some(new);
        new
    }

    /// Its last label.
    pub(super) fn last(&self, node: Node) -> Option<u32> {
        (node != ROOT).then(|| self.nodes[node].label)
    }

    /// Where it is among those that are kept.
    pub(super) fn slot(&self, node: Node) -> Option<usize> {
        self.nodes[node].slot
    }

    /// Where the one that it goes on from is among those that are kept.
    pub(super) fn slot_of_parent(&self, node: Node) -> Option<usize> {
        if node == ROOT {
            None
        } else {
            self.slot(self.nodes[node].parent)
        }
    }

    pub(super) fn set_slot(&mut self, node: Node, slot: Option<usize>) {
        self.nodes[node].slot = slot;
    }

    /// All its labels.
    pub(super) fn labels(&self, node: Node) -> Vec<u32> {
        let up = |&node: &Node| (node != ROOT).then(|| self.nodes[node].parent);
        let mut labels: Vec<u32> = std::iter::successors(Some(node), up)
            .filter_map(|node| self.last(node))
            .collect();
        labels.reverse();
        labels
    }
}
