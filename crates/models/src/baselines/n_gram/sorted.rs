//! Every place of a text, in the order of what precedes it.
//!
//! ```text
//! place i before place j:   (x_{i-1}, x_{i-2} .. x_{i-n+1}, x_i) < (x_{j-1}, x_{j-2} .. x_{j-n+1}, x_j)
//! ```
//!
//! So all places that have a context in common lie side by side, for contexts of each length. By one
//! stable counting sort of each of the `n` symbols, from the least significant: `O(n (N + V))`.

/// What precedes the first symbol of each sequence.
pub(super) const BEGIN: u32 = 0;

/// A symbol among codes, the first of which begins sequences.
pub(super) fn code(symbol: u32) -> u32 {
    symbol + 1
}

/// Sequences one after the other, and the places of their symbols in order.
pub(super) struct Sorted {
    codes: Vec<u32>,
    places: Vec<u32>,
}

impl Sorted {
    /// Of symbols that have codes, and, all together, places that `u32` holds: see [`places`].
    pub fn new<S: AsRef<[u32]>>(sequences: &[S], order: usize) -> Self {
        let mut codes = Vec::with_capacity(places(sequences, order));
        let mut symbols = Vec::new();
        for sequence in sequences {
            // As many as a context may reach back to.
            codes.extend(std::iter::repeat_n(BEGIN, order - 1));
            let first = codes.len();
            codes.extend(sequence.as_ref().iter().map(|symbol| code(*symbol)));
            symbols.extend(first as u32..codes.len() as u32);
        }
        let mut sorted = Self {
            codes,
            places: symbols,
        };
        let mut spare = vec![0; sorted.places.len()];
        for back in std::iter::once(0).chain((1..order).rev()) {
            sorted.sort(back, &mut spare);
        }
        sorted
    }

    /// All places of symbols, in order.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The code that stands `back` places before this one.
    pub fn code(&self, place: u32, back: usize) -> u32 {
        self.codes[place as usize - back]
    }

    /// Sorts by what stands `back` places before, what is equal in the order it has.
    fn sort(&mut self, back: usize, spare: &mut Vec<u32>) {
        let largest = self.codes.iter().max().map_or(0, |code| *code as usize);
        if largest / 4 > self.places.len() {
            let codes = &self.codes;
            self.places
                .sort_by_key(|place| codes[*place as usize - back]);
            return;
        }
        let mut starts = vec![0_u32; largest + 2];
        for place in &self.places {
            starts[self.codes[*place as usize - back] as usize + 1] += 1;
        }
        for code in 1..starts.len() {
            starts[code] += starts[code - 1];
        }
        for place in &self.places {
            let start = &mut starts[self.codes[*place as usize - back] as usize];
            spare[*start as usize] = *place;
            *start += 1;
        }
        std::mem::swap(&mut self.places, spare);
    }
}

/// How many places sequences take; as many as fit, if there are more than `usize` holds.
pub(super) fn places<S: AsRef<[u32]>>(sequences: &[S], order: usize) -> usize {
    let lengths = sequences.iter().map(|sequence| sequence.as_ref().len());
    lengths.fold(0, |sum, length| sum.saturating_add(length + order - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_what_precedes_them() {
        let sequences = [vec![2, 0, 2, 0, 1, 2, 0], vec![], vec![0], vec![900, 0, 2]];
        // With and without a symbol that is too large for a counting sort.
        for sequences in [&sequences[..3], &sequences] {
            for order in 1..5 {
                let sorted = Sorted::new(sequences, order);
                let key = |place: &u32| -> Vec<u32> {
                    let back = (1..order).chain([0]);
                    back.map(|back| sorted.code(*place, back)).collect()
                };
                let keys: Vec<_> = sorted.places().iter().map(key).collect();
                assert!(keys.is_sorted(), "{keys:?}");
                let symbols: usize = sequences.iter().map(Vec::len).sum();
                assert_eq!(keys.len(), symbols);
            }
        }
    }
}
