//! What models read: symbols at random, the same at each call.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::VOCABULARY;

/// Batches that are read one after the other, over and over.
pub(super) const BATCHES: usize = 4;

/// Rows of symbols.
pub(super) type Rows = Vec<Vec<u32>>;

/// Random numbers that follow from a seed: Knuth's MMIX generator, of which the high bits are good.
pub(super) struct Draws {
    state: u64,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 31 bits.
    fn bits(&mut self) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }

    /// One of `0 .. end`, all alike.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// One of `first ..= last`, all alike.
    pub fn within(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// One of `0 .. end`, about as often as 1 / (1 + it): Zipf's law.
    pub fn rank(&mut self, end: usize) -> usize {
        let part = self.bits() as f64 / (1u64 << 31) as f64;
        (((end + 1) as f64).powf(part) as usize - 1).min(end - 1)
    }
}

/// Batches of `rows` rows of `steps` symbols of the vocabulary.
pub(super) fn random_rows(seed: u64, rows: usize, steps: usize) -> Vec<Rows> {
    let mut draws = Draws::new(seed);
    let mut row = |_| {
        let symbols = (0..steps).map(|_| draws.below(VOCABULARY) as u32);
        symbols.collect()
    };
    let mut batch = |_| (0..rows).map(&mut row).collect();
    (0..BATCHES).map(&mut batch).collect()
}

/// Rows, all of one length, as a model reads them: `[rows, steps]`.
pub(super) fn tensor(rows: &Rows, device: &Device) -> Tensor<2, Int> {
    let shape = [rows.len(), rows[0].len()];
    let symbols: Vec<i32> = rows.iter().flatten().map(|&symbol| symbol as i32).collect();
    Tensor::from_data(TensorData::new(symbols, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbols_are_of_the_vocabulary_and_differ() {
        let batches = random_rows(0, 3, 51);
        assert_eq!(batches.len(), BATCHES);
        assert!(batches.iter().all(|batch| batch.len() == 3));
        let rows: Vec<_> = batches.iter().flatten().collect();
        assert!(rows.iter().all(|row| row.len() == 51));
        let mut symbols: Vec<u32> = rows.into_iter().flatten().copied().collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert!(symbols.len() > 95, "{symbols:?}");
        assert!(symbols.iter().all(|&symbol| symbol < VOCABULARY as u32));
        assert_ne!(random_rows(1, 3, 51), batches);
    }

    #[test]
    fn each_number_of_a_range_is_drawn_and_none_outside() {
        let mut draws = Draws::new(0);
        let mut seen = [0; 8];
        (0..4000).for_each(|_| seen[draws.within(3, 6)] += 1);
        assert_eq!([seen[2], seen[7]], [0, 0]);
        assert!(seen[3..7].iter().all(|&times| times > 900), "{seen:?}");
    }

    #[test]
    fn ranks_keep_to_zipfs_law() {
        let mut draws = Draws::new(0);
        let mut seen = [0; 1000];
        (0..100_000).for_each(|_| seen[draws.rank(1000)] += 1);
        // Those of each octave, 1 / log2(1001) of them all.
        for octave in [0..1, 1..3, 7..15, 127..255] {
            let times: i32 = seen[octave].iter().sum();
            assert!((9_600..10_500).contains(&times), "{times}");
        }
        assert_eq!((0..100).map(|_| draws.rank(1)).max(), Some(0));
    }
}
