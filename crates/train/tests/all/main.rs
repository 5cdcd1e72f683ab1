//! The program, as a stranger runs it, and the training that it does.

mod baselines;
mod classify;
mod composition;
mod description;
mod following;
mod guard;
mod inspect;
mod learning;
mod program;
mod recomputation;
mod recordings;
mod report;
mod resume;
mod rule;
mod sizes;
mod support;
mod tasks;
mod truncated;
mod units;
mod windows;
