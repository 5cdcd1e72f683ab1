//! The steps of a search.
//!
//! A beginning that is kept may go on as it is, by a blank or its last label again, or become longer by
//! a label. What is longer is a beginning of its own only if it is not kept already: then the paths that
//! lead to it are counted there. So a beginning is stored when it is kept, and not for each symbol that
//! might have made one.

use std::cmp::Ordering;

use super::{Labeling, PrefixBeam};
use crate::ctc::trie::{Node, ROOT, Trie};
use crate::ctc::{BLANK, LabelModel};

/// A search at one step.
pub(super) struct Search<'a, M: LabelModel> {
    settings: &'a PrefixBeam<M>,
    symbols: usize,
    trie: Trie,
    /// The best first.
    kept: Vec<Beginning<M::State>>,
    /// How they may go on; used again at each step, as is the next.
    ways: Vec<Way>,
    /// Of each that is kept and each symbol, whether the longer one is kept, too.
    is_kept: Vec<bool>,
    /// Memory for `next` of beginnings to come.
    spare: Vec<Vec<f64>>,
}

/// Labels that may go on.
struct Beginning<S> {
    node: Node,
    p: Ending,
    /// What the language model and the number of labels add to the score.
    added: f64,
    state: S,
    /// `w ln p_LM + c` of each symbol, once it is needed.
    next: Vec<f64>,
}

/// How likely a beginning is, by how it ends.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// `ln b_t`.
    blank: f64,
    /// `ln n_t`.
    label: f64,
    /// `ln(b_t + n_t)`.
    total: f64,
}

/// How a beginning goes on.
#[derive(Debug, Clone, Copy)]
struct Way {
    slot: usize,
    /// The label by which it becomes longer; the blank where it does not.
    longer: u32,
    p: Ending,
    added: f64,
    score: f64,
}

impl Ending {
    fn new(blank: f64, label: f64) -> Self {
        Self {
            blank,
            label,
            total: log_add(blank, label),
        }
    }

    /// `ln` of the paths that a label more may follow.
    fn before(&self, is_last: bool) -> f64 {
        if is_last { self.blank } else { self.total }
    }
}

impl<'a, M: LabelModel> Search<'a, M> {
    pub(super) fn new(settings: &'a PrefixBeam<M>, symbols: usize) -> Self {
        let mut trie = Trie::new();
        trie.set_slot(ROOT, Some(0));
        let empty = Beginning {
            node: ROOT,
            p: Ending::new(0.0, f64::NEG_INFINITY),
            added: 0.0,
            state: settings.model.start(),
            next: Vec::new(),
        };
        Self {
            settings,
            symbols,
            trie,
            kept: vec![empty],
            ways: Vec::new(),
            is_kept: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Goes on by a step of `ln p_t(k)`.
    pub(super) fn step(&mut self, log_p: &[f64]) {
        self.ways.clear();
        self.is_kept.clear();
        self.is_kept.resize(self.kept.len() * self.symbols, false);
        self.go_on(log_p);
        self.become_longer(log_p);

        let mut ways = std::mem::take(&mut self.ways);
        let better = |a: &Way, b: &Way| self.better(a, b);
        if ways.len() > self.settings.width {
            ways.select_nth_unstable_by(self.settings.width, better);
            ways.truncate(self.settings.width);
        }
        ways.sort_unstable_by(better);
        self.keep(&ways);
        self.ways = ways;
    }

    /// Beginnings that stay as they are.
    fn go_on(&mut self, log_p: &[f64]) {
        for (slot, was) in self.kept.iter().enumerate() {
            let blank = was.p.total + possible(log_p, BLANK);
            let label = match self.trie.last(was.node) {
                None => f64::NEG_INFINITY,
                Some(last) => {
                    let again = was.p.label;
                    // And what becomes it now.
                    let shorter = self.trie.slot_of_parent(was.node).map(|shorter| {
                        self.is_kept[shorter * self.symbols + last as usize] = true;
                        let shorter = &self.kept[shorter];
                        shorter.p.before(self.trie.last(shorter.node) == Some(last))
                    });
                    let before = shorter.map_or(again, |shorter| log_add(again, shorter));
                    before + possible(log_p, last)
                }
            };
            let p = Ending::new(blank, label);
            push(&mut self.ways, slot, BLANK, p, was.added);
        }
    }

    /// Those that one label makes of them.
    fn become_longer(&mut self, log_p: &[f64]) {
        for (slot, was) in self.kept.iter_mut().enumerate() {
            let last = self.trie.last(was.node);
            if was.next.is_empty() {
                let PrefixBeam { model, bonus, .. } = self.settings;
                was.next.resize(self.symbols, f64::NEG_INFINITY);
                model.next(&was.state, &mut was.next);
                let added = |log_p: &f64| self.settings.weighted(*log_p) + bonus;
                was.next.iter_mut().for_each(|next| *next = added(next));
            }
            let is_kept = &self.is_kept[slot * self.symbols..];
            for label in BLANK + 1..self.symbols as u32 {
                let at = label as usize;
                if !is_kept[at] {
                    let label_p = was.p.before(last == Some(label)) + possible(log_p, label);
                    let p = Ending {
                        blank: f64::NEG_INFINITY,
                        label: label_p,
                        total: label_p,
                    };
                    push(&mut self.ways, slot, label, p, was.added + was.next[at]);
                }
            }
        }
    }

    /// The better of two ways is less. Of two that are as good, by the order of their labels.
    fn better(&self, a: &Way, b: &Way) -> Ordering {
        let labels = |way: &Way| {
            let mut labels = self.trie.labels(self.kept[way.slot].node);
            labels.extend((way.longer != BLANK).then_some(way.longer));
            labels
        };
        let order = b.score.total_cmp(&a.score);
        order.then_with(|| labels(a).cmp(&labels(b)))
    }

    fn keep(&mut self, ways: &[Way]) {
        let longer = ways.iter().map(|way| {
            let was = &self.kept[way.slot];
            (way.longer != BLANK).then(|| Beginning {
                node: self.trie.child(was.node, way.longer),
                p: way.p,
                added: way.added,
                state: self.settings.model.advance(&was.state, way.longer).1,
                next: self.spare.pop().unwrap_or_default(),
            })
        });
        let longer: Vec<Option<_>> = longer.collect();
        for was in &self.kept {
            self.trie.set_slot(was.node, None);
        }
        let mut before: Vec<Option<_>> = self.kept.drain(..).map(Some).collect();
        for (way, longer) in ways.iter().zip(longer) {
            // A way that makes none longer is the only one of its slot that does not.
            let same = || {
                before[way.slot]
                    .take()
                    .map(|was| Beginning { p: way.p, ..was })
            };
            if let Some(next) = longer.or_else(same) {
                self.trie.set_slot(next.node, Some(self.kept.len()));
                self.kept.push(next);
            }
        }
        for mut dropped in before.into_iter().flatten() {
            dropped.next.clear();
            self.spare.push(dropped.next);
        }
    }

    /// The best that are kept, and may end here.
    pub(super) fn finish(self) -> Vec<Labeling> {
        let settings = self.settings;
        let labeling = |kept: &Beginning<M::State>| Labeling {
            labels: self.trie.labels(kept.node),
            log_p: kept.p.total,
            score: kept.p.total + kept.added + settings.weighted(settings.model.end(&kept.state)),
        };
        let mut found: Vec<Labeling> = self.kept.iter().map(labeling).collect();
        found.retain(|labeling| labeling.score > f64::NEG_INFINITY);
        let better = |a: &Labeling, b: &Labeling| {
            let order = b.score.total_cmp(&a.score);
            order.then_with(|| a.labels.cmp(&b.labels))
        };
        found.sort_by(better);
        found.truncate(settings.best);
        found
    }
}

/// `ln p_t(k)`; what is no number is impossible.
fn possible(log_p: &[f64], symbol: u32) -> f64 {
    log_p[symbol as usize].max(f64::NEG_INFINITY)
}

/// Adds a way, if it is possible.
fn push(ways: &mut Vec<Way>, slot: usize, longer: u32, p: Ending, added: f64) {
    let score = p.total + added;
    if score > f64::NEG_INFINITY {
        ways.push(Way {
            slot,
            longer,
            p,
            added,
            score,
        });
    }
}

/// `ln(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    match low == f64::NEG_INFINITY {
        true => high,
        false => high + (low - high).exp().ln_1p(),
    }
}
