//! The derivatives of recorded equations: what each value's gradient is added to, and where
//! gradients lie.
//!
//! ```text
//! for each value, the last first:   d operand += (d value / d operand) d value
//! ```
//!
//! The first that comes to a gradient writes it, the others add to it; so nothing has to be set to
//! zero, unless some comes to a part of it and some to all. The gradient of a sum is that of a
//! summand which nobody else reads: it lies there from the start.

use std::ops::Range;

use super::plan::{Plan, Stage};
use super::recording::{Binary, Index, Op};

/// How a step is differentiated.
#[derive(Debug, Default)]
pub(crate) struct Reverse {
    /// Where the gradient of each value lies.
    pub places: Vec<GradientPlace>,
    /// For each value, what it does to the gradient of each operand.
    pub modes: Vec<Vec<Mode>>,
    /// For each tensor of the next state, what comes from the step after to its gradient.
    pub next_modes: Vec<Mode>,
    /// What is set to zero before.
    pub cleared: Vec<(GradientPlace, usize)>,
    /// Numbers a row of gradients that are forgotten after the step.
    pub scratch_width: usize,
}

/// Where a gradient lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GradientPlace {
    pub area: GradientArea,
    pub offset: usize,
}

/// What a row has gradients in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GradientArea {
    /// Of the projected sequence.
    Projected,
    /// Of a tensor of the state before the step.
    State(usize),
    /// Of what is the same for all: a sum over all steps.
    Fixed,
    /// Of a product's result, put together with those of other steps.
    Product(usize),
    /// Forgotten after the step.
    Scratch,
}

/// What happens to a gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is written.
    Store,
    /// It grows.
    Add,
    /// It is there already.
    Nothing,
}

impl Reverse {
    pub fn new(plan: &Plan, is_fixed: &[bool]) -> Self {
        let count = plan.nodes.len();
        let mut readers = vec![0; count];
        for node in &plan.nodes {
            for operand in node.op.operands() {
                readers[operand] += 1;
            }
        }
        for &index in &plan.next {
            readers[index] += 1;
        }
        let products: Vec<Index> = plan.products().collect();

        // The value that owns the memory of each value's gradient, and from where on.
        let mut owner: Vec<(Index, usize)> = Vec::with_capacity(count);
        let mut aliased = vec![None; count];
        let mut reverse = Self::default();
        for (index, node) in plan.nodes.iter().enumerate() {
            let mut own = |area| {
                let offset = match area {
                    GradientArea::Scratch => {
                        reverse.scratch_width += node.width;
                        reverse.scratch_width - node.width
                    }
                    GradientArea::Fixed => plan.places[index].offset,
                    _ => 0,
                };
                (GradientPlace { area, offset }, (index, 0))
            };
            let of_summand = |summand: Index| {
                readers[summand] == 1
                    && !is_fixed[summand]
                    && !matches!(plan.nodes[summand].op, Op::State(_) | Op::Narrow { .. })
            };
            let (place, own) = match &node.op {
                Op::Narrow { of, start } => {
                    let whole: GradientPlace = reverse.places[*of];
                    let place = GradientPlace {
                        offset: whole.offset + start,
                        ..whole
                    };
                    (place, (owner[*of].0, owner[*of].1 + start))
                }
                _ if is_fixed[index] => own(GradientArea::Fixed),
                Op::Projected => own(GradientArea::Projected),
                Op::State(state) => own(GradientArea::State(*state)),
                Op::Linear { .. } => {
                    let product = products.iter().position(|&product| product == index);
                    own(GradientArea::Product(product.expect("each is in a stage")))
                }
                Op::Binary(Binary::Add, a, b) if of_summand(*a) || of_summand(*b) => {
                    let summand = if of_summand(*a) { *a } else { *b };
                    aliased[index] = Some(summand);
                    (reverse.places[summand], owner[summand])
                }
                _ => own(GradientArea::Scratch),
            };
            reverse.places.push(place);
            owner.push(own);
        }

        let order = |plan: &Plan| {
            let stages = plan.stages.iter().rev();
            let nodes = stages.flat_map(|stage| match stage {
                Stage::Elements(nodes) => nodes.iter().rev().copied().collect(),
                Stage::Product(node) => vec![*node],
            });
            nodes.collect::<Vec<Index>>()
        };
        let order = order(plan);
        let range = |index: Index| owner[index].1..owner[index].1 + plan.nodes[index].width;
        // Twice: the first time tells which gradients have to be set to zero.
        let mut written = Written::new(plan);
        for _ in 0..2 {
            written.forget();
            let mut come = |index: Index| match is_fixed[index] {
                true => Mode::Add,
                false => written.come(owner[index].0, range(index)),
            };
            reverse.next_modes = plan.next.iter().map(|&index| come(index)).collect();
            reverse.modes = vec![Vec::new(); count];
            for &index in &order {
                let operands = plan.nodes[index].op.operands();
                let modes = operands.iter().map(|&operand| match aliased[index] {
                    Some(summand) if summand == operand => Mode::Nothing,
                    _ => come(operand),
                });
                reverse.modes[index] = modes.collect();
            }
            written.complete();
        }
        for &index in &plan.fixed {
            let operands = plan.nodes[index].op.operands();
            let is_view = matches!(plan.nodes[index].op, Op::Narrow { .. });
            let mode = if is_view { Mode::Nothing } else { Mode::Add };
            reverse.modes[index] = vec![mode; operands.len()];
        }
        reverse.cleared = (0..count)
            .filter(|&index| owner[index] == (index, 0) && !is_fixed[index])
            .filter(|&index| aliased[index].is_none() && written.cleared[index])
            .map(|index| (reverse.places[index], plan.nodes[index].width))
            .collect();
        reverse
    }
}

/// Which parts of each gradient have been written.
struct Written {
    parts: Vec<Vec<bool>>,
    /// Which gradients are set to zero before anything comes.
    cleared: Vec<bool>,
}

impl Written {
    fn new(plan: &Plan) -> Self {
        Self {
            parts: plan
                .nodes
                .iter()
                .map(|node| vec![false; node.width])
                .collect(),
            cleared: vec![false; plan.nodes.len()],
        }
    }

    fn forget(&mut self) {
        self.parts.iter_mut().for_each(|parts| parts.fill(false));
    }

    /// Something comes to a part of a gradient.
    fn come(&mut self, owner: Index, range: Range<usize>) -> Mode {
        let part = &mut self.parts[owner][range];
        let mode = match (part.iter().all(|&p| p), part.iter().any(|&p| p)) {
            _ if self.cleared[owner] => Mode::Add,
            (true, _) => Mode::Add,
            (false, false) => Mode::Store,
            (false, true) => {
                self.cleared[owner] = true;
                Mode::Add
            }
        };
        part.fill(true);
        mode
    }

    /// Everything has come: what has gaps should have been zero.
    fn complete(&mut self) {
        for (parts, cleared) in self.parts.iter().zip(&mut self.cleared) {
            *cleared |= parts.iter().any(|&part| !part);
        }
    }
}
