//! A language model's training step, whole: what is measured, on either side alike.
//!
//! ```text
//! e_t = E[x_t]                                     E: [V, I]
//! h_t = LSTM_2(LSTM_1(e_t))                        H units; their state goes on, cut off from its graph
//! L   = - mean of ln softmax(U h_t + c)[x_{t+1}]   U: [V, H]
//! g   = dL/dtheta min(1, n / |dL/dtheta|)          the norm of the whole gradient
//! theta <- Adam(theta, g)
//! ```
//!
//! Forward is `L` alone, from an empty state, with no gradient recorded.

mod agreement;
mod row;

pub use agreement::Agreement;
#[cfg(test)]
pub(crate) use agreement::{STEPS, TOLERANCE};
pub use row::{LanguageModelRow, Parts};

use crate::{CellKind, Shape};

/// `V`: the symbols, about as many as a text in English has characters.
pub(crate) const VOCABULARY: usize = 100;

/// LSTMs on top of each other.
pub(crate) const LAYERS: usize = 2;

/// The learning rate.
pub(crate) const RATE: f64 = 1e-3;

/// `n`: so small that every step is clipped, on symbols that come at random. Adam undoes a factor that
/// stays; this one changes with the norm from step to step.
pub(crate) const NORM: f64 = 0.01;

/// Windows that are read one after the other, over and over.
const WINDOWS: usize = 4;

/// What is measured unless another shape is asked for.
pub(crate) const SHAPE: Shape = Shape {
    batch: 64,
    time: 64,
    input: 512,
    hidden: 512,
};

/// Symbols at random, the same for either side: windows of `B` rows of `T + 1`, each of which is
/// read but for its last symbol and foreseen but for its first.
pub(crate) fn windows(shape: Shape) -> Vec<Vec<Vec<u32>>> {
    let mut random: u64 = 0;
    // Knuth's MMIX generator, of which the high bits are good.
    let mut symbol = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((random >> 33) % VOCABULARY as u64) as u32
    };
    let mut row = |_| (0..=shape.time).map(|_| symbol()).collect();
    let mut window = |_| (0..shape.batch).map(&mut row).collect();
    (0..WINDOWS).map(&mut window).collect()
}

/// Floating-point operations of the matrix products of a training step: those of the layers, and
/// of the scores, `3 2 T B H V`.
pub(crate) fn training_flops(shape: Shape) -> f64 {
    let upper = Shape {
        input: shape.hidden,
        ..shape
    };
    let layers = shape.training_flops(CellKind::Lstm)
        + upper.training_flops(CellKind::Lstm) * (LAYERS - 1) as f64;
    layers + 3.0 * 2.0 * (shape.symbols() * shape.hidden * VOCABULARY) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbols_are_of_the_vocabulary_and_differ() {
        let shape: Shape = "3,50,4,5".parse().unwrap();
        let windows = windows(shape);
        assert_eq!(windows.len(), WINDOWS);
        assert!(windows.iter().all(|window| window.len() == 3));
        let rows: Vec<_> = windows.into_iter().flatten().collect();
        assert!(rows.iter().all(|row| row.len() == 51));
        let mut symbols: Vec<u32> = rows.into_iter().flatten().collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert!(symbols.len() > 95, "{symbols:?}");
        assert!(symbols.iter().all(|&symbol| symbol < VOCABULARY as u32));
    }

    #[test]
    fn the_operations_are_those_of_three_products_of_each_matrix() {
        let shape: Shape = "2,3,4,5".parse().unwrap();
        // For each of 6 symbols: two LSTMs of 20 sums, over 4 + 5 and 5 + 5 numbers; 100 scores.
        let products = 6 * (20 * (4 + 5) + 20 * (5 + 5) + 100 * 5);
        assert_eq!(training_flops(shape), 3.0 * 2.0 * f64::from(products));
    }
}
