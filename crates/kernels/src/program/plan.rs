//! In which order recorded equations are computed, where each value lies, and what of it is kept
//! for backward.
//!
//! A step is a few stages: element-wise equations of a row, then products of all rows with a
//! matrix, and so on. What the derivatives will read is computed in the place where it is kept;
//! sums and products of what is kept are cheaper to compute again than to read.

use super::recording::{Binary, Index, Node, Op, Shapes, Unary};
use super::reverse::Reverse;

/// Recorded equations, ready to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub shapes: Shapes,
    pub nodes: Vec<Node>,
    /// The next state.
    pub next: Vec<Index>,
    /// Where each value lies.
    pub places: Vec<ValuePlace>,
    /// What is the same for each row and step: computed once, vectors first.
    pub fixed: Vec<Index>,
    /// Numbers of all that is fixed.
    pub fixed_width: usize,
    /// The step.
    pub stages: Vec<Stage>,
    /// Numbers a row and step that are kept for backward.
    pub kept_width: usize,
    /// Numbers a row that are not.
    pub scratch_width: usize,
    /// What backward computes again, first things first.
    pub again: Vec<Index>,
    /// The derivatives.
    pub reverse: Reverse,
}

/// A part of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Element by element, row by row.
    Elements(Vec<Index>),
    /// Of all rows with one matrix.
    Product(Index),
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValuePlace {
    pub area: Area,
    pub offset: usize,
}

/// What a row has numbers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// The projected sequence.
    Projected,
    /// A tensor of the state before the step.
    State(usize),
    /// What is the same for all.
    Fixed,
    /// What is kept for backward.
    Kept,
    /// What is forgotten after the step.
    Scratch,
}

impl Plan {
    pub fn new(shapes: Shapes, nodes: Vec<Node>, next: Vec<Index>) -> Self {
        let (nodes, next) = with_own_next(nodes, next);
        let (nodes, next) = without_unused(nodes, next);
        let is_fixed = fixed(&nodes);
        let stages = stages(&nodes, &is_fixed);
        let (needed, again) = needed(&nodes, &next, &is_fixed);

        let mut plan = Self {
            places: Vec::with_capacity(nodes.len()),
            fixed: (0..nodes.len()).filter(|&index| is_fixed[index]).collect(),
            fixed_width: shapes.vectors.iter().sum(),
            kept_width: 0,
            scratch_width: 0,
            reverse: Reverse::default(),
            shapes,
            nodes,
            next,
            stages,
            again,
        };
        let first_of_vector = |plan: &Self, index: usize| plan.shapes.vectors[..index].iter().sum();
        for index in 0..plan.nodes.len() {
            let Node { op, width } = plan.nodes[index].clone();
            let place = match op {
                Op::Projected => ValuePlace {
                    area: Area::Projected,
                    offset: 0,
                },
                Op::State(state) => ValuePlace {
                    area: Area::State(state),
                    offset: 0,
                },
                Op::Vector(vector) => ValuePlace {
                    area: Area::Fixed,
                    offset: first_of_vector(&plan, vector),
                },
                Op::Narrow { of, start } => ValuePlace {
                    offset: plan.places[of].offset + start,
                    ..plan.places[of]
                },
                _ if is_fixed[index] => plan.take(Area::Fixed, width, &op),
                _ if needed[index] => plan.take(Area::Kept, width, &op),
                _ => plan.take(Area::Scratch, width, &op),
            };
            plan.places.push(place);
        }
        plan.reverse = Reverse::new(&plan, &is_fixed);
        plan
    }

    /// The next `width` numbers of an area. A normalisation has one more: what it divided by.
    fn take(&mut self, area: Area, width: usize, op: &Op) -> ValuePlace {
        let taken = match area {
            Area::Fixed => &mut self.fixed_width,
            Area::Kept => &mut self.kept_width,
            Area::Scratch => &mut self.scratch_width,
            Area::Projected | Area::State(_) => unreachable!("they are there"),
        };
        let offset = *taken;
        *taken += width + usize::from(matches!(op, Op::Normalize { .. }));
        ValuePlace { area, offset }
    }

    /// Where a tensor of the next state lies among what is kept.
    pub fn next_place(&self, state: usize) -> usize {
        let place = self.places[self.next[state]];
        debug_assert_eq!(place.area, Area::Kept);
        place.offset
    }

    /// The products of a step, in order.
    pub fn products(&self) -> impl Iterator<Item = Index> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Product(index) => Some(*index),
            Stage::Elements(_) => None,
        })
    }
}

/// Each tensor of the next state as a value of its own, that nothing else is.
fn with_own_next(mut nodes: Vec<Node>, next: Vec<Index>) -> (Vec<Node>, Vec<Index>) {
    let mut own = Vec::with_capacity(next.len());
    for of in next {
        let computed = !matches!(
            nodes[of].op,
            Op::Projected | Op::State(_) | Op::Vector(_) | Op::Narrow { .. }
        );
        if computed && !own.contains(&of) && !fixed(&nodes)[of] {
            own.push(of);
            continue;
        }
        let (scale, shift) = (1.0, 0.0);
        let width = nodes[of].width;
        let op = Op::Unary(Unary::Affine { scale, shift }, of);
        nodes.push(Node { op, width });
        own.push(nodes.len() - 1);
    }
    (nodes, own)
}

/// Without what the next state does not depend on; what is given stays.
fn without_unused(nodes: Vec<Node>, next: Vec<Index>) -> (Vec<Node>, Vec<Index>) {
    let mut used = vec![false; nodes.len()];
    for &index in &next {
        used[index] = true;
    }
    for index in (0..nodes.len()).rev() {
        let given = nodes[index].op.operands().is_empty();
        used[index] |= given;
        if used[index] {
            for operand in nodes[index].op.operands() {
                used[operand] = true;
            }
        }
    }
    let mut renumbered = vec![usize::MAX; nodes.len()];
    let mut kept = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate() {
        if used[index] {
            match &mut node.op {
                Op::Projected | Op::State(_) | Op::Vector(_) => {}
                Op::Concat(parts) => parts.iter_mut().for_each(|part| *part = renumbered[*part]),
                Op::Binary(_, a, b) => (*a, *b) = (renumbered[*a], renumbered[*b]),
                Op::Narrow { of, .. }
                | Op::Linear { of, .. }
                | Op::Unary(_, of)
                | Op::Normalize { of, .. } => *of = renumbered[*of],
            }
            renumbered[index] = kept.len();
            kept.push(node);
        }
    }
    let next = next.into_iter().map(|index| renumbered[index]).collect();
    (kept, next)
}

/// Which values are the same for each row and step.
fn fixed(nodes: &[Node]) -> Vec<bool> {
    let mut fixed = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        fixed[index] = match &node.op {
            Op::Vector(_) => true,
            Op::Projected | Op::State(_) | Op::Linear { .. } => false,
            op => op.operands().iter().all(|&operand| fixed[operand]),
        };
    }
    fixed
}

/// As few stages as there can be: a value's is after as many products as it depends on.
fn stages(nodes: &[Node], is_fixed: &[bool]) -> Vec<Stage> {
    let mut level = vec![0; nodes.len()];
    let mut levels: Vec<(Vec<Index>, Vec<Index>)> = vec![Default::default()];
    for (index, node) in nodes.iter().enumerate() {
        let operands = node.op.operands();
        level[index] = operands.iter().map(|&of| level[of]).max().unwrap_or(0);
        let given = operands.is_empty() || matches!(node.op, Op::Narrow { .. });
        match node.op {
            _ if is_fixed[index] || given => {}
            Op::Linear { .. } => {
                levels[level[index]].1.push(index);
                level[index] += 1;
                levels.resize_with(levels.len().max(level[index] + 1), Default::default);
            }
            _ => levels[level[index]].0.push(index),
        }
    }
    let mut stages = Vec::new();
    for (elements, products) in levels {
        if !elements.is_empty() {
            stages.push(Stage::Elements(elements));
        }
        stages.extend(products.into_iter().map(Stage::Product));
    }
    stages
}

/// Which values are kept for backward, and which it computes again from those.
fn needed(nodes: &[Node], next: &[Index], is_fixed: &[bool]) -> (Vec<bool>, Vec<Index>) {
    let mut read = vec![false; nodes.len()];
    for (index, node) in nodes
        .iter()
        .enumerate()
        .filter(|(index, _)| !is_fixed[*index])
    {
        match node.op {
            Op::Unary(Unary::Affine { .. }, _) => {}
            Op::Unary(Unary::Log | Unary::Clamp { .. }, of) | Op::Linear { of, .. } => {
                read[of] = true;
            }
            Op::Unary(..) | Op::Normalize { .. } => read[index] = true,
            Op::Binary(Binary::Mul | Binary::Maximum, a, b) => (read[a], read[b]) = (true, true),
            Op::Binary(Binary::Div, _, b) => (read[index], read[b]) = (true, true),
            Op::Binary(Binary::Add | Binary::Sub, ..)
            | Op::Concat(_)
            | Op::Narrow { .. }
            | Op::Projected
            | Op::State(_)
            | Op::Vector(_) => {}
        }
    }
    for index in (0..nodes.len()).rev() {
        if let (Op::Narrow { of, .. }, true) = (&nodes[index].op, read[index]) {
            read[*of] = true;
        }
    }

    let mut kept = vec![false; nodes.len()];
    // Given, kept, or to be computed from such.
    let mut there = vec![false; nodes.len()];
    let mut again = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if next.contains(&index) {
            (kept[index], there[index]) = (true, true);
            continue;
        }
        let operands = node.op.operands();
        there[index] = match node.op {
            _ if is_fixed[index] || operands.is_empty() => true,
            Op::Narrow { of, .. } => there[of],
            Op::Unary(Unary::Affine { .. }, _)
            | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Maximum, ..)
                if read[index] && operands.iter().all(|&operand| there[operand]) =>
            {
                again.push(index);
                true
            }
            _ => {
                kept[index] = read[index];
                read[index]
            }
        };
    }
    (kept, again)
}
