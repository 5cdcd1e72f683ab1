//! The program, as a stranger runs it, and the training that it does.

mod baselines;
mod beginning;
mod cells;
mod classify;
mod command_line;
mod composition;
mod description;
mod exchange;
mod following;
mod full_disk;
mod guard;
mod impossible;
mod inspect;
mod learning;
mod program;
mod promises;
mod reading;
mod recomputation;
mod recordings;
mod remembering;
mod report;
mod resume;
mod road;
mod rule;
mod sizes;
mod sources;
mod support;
mod tasks;
#[cfg(target_os = "linux")]
mod terminal;
mod truncated;
mod units;
mod windows;
