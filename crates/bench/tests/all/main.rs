//! The bench: its program, and its statistics.

mod program;
mod statistics;
