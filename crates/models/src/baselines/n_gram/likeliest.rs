//! The likeliest ways to go on from what was read, by beam search.

use backdraft_cells::Error;
use burn::tensor::{Device, Tensor, TensorData};

use super::{NAME, NGram, NGramState, code};
use crate::host::numbers;
use crate::{BeamRows, BeamSearch, Hypothesis};

/// Whole numbers below this one are exact in an f32.
const EXACT: usize = 1 << 24;

/// What stands in a row of states where nothing was read yet.
const NOTHING: f32 = -1.0;

impl NGram {
    /// The likeliest ways to go on from `state`, the best first: until `end`, or for all the symbols that the
    /// search allows.
    ///
    /// # Errors
    ///
    /// When `end` is not of the vocabulary, that has 2^24 symbols or more, or a setting of the search is impossible.
    pub fn beam(
        &self,
        state: &NGramState,
        end: Option<u32>,
        search: &BeamSearch,
    ) -> Result<Vec<Hypothesis>, Error> {
        self.check(end.as_slice())?;
        if self.vocabulary_size() >= EXACT {
            let (what, expected) = (
                "vocabulary size",
                format!("below {EXACT} for a beam search"),
            );
            return Err(Error::new(NAME, what, expected, self.vocabulary_size()));
        }
        let mut has_begun = false;
        let step = |rows: &BeamRows, states: Tensor<2>| {
            let mut states = self.states_of(states);
            // What is read first is in the state already.
            if std::mem::replace(&mut has_begun, true) {
                let symbols = rows.symbols.iter().zip(&mut states);
                symbols.for_each(|(symbol, state)| self.push(state, code(*symbol)));
            }
            let p: Vec<Vec<f64>> = states
                .iter()
                .map(|state| self.distribution(state))
                .collect();
            let log_p: Vec<f32> = p.iter().flatten().map(|p| p.ln() as f32).collect();
            let log_p = TensorData::new(log_p, [states.len(), self.vocabulary_size()]);
            let log_p = Tensor::from_data(log_p, &Device::flex());
            Ok((log_p, self.rows_of(&states)))
        };
        let start = self.rows_of(std::slice::from_ref(state));
        let found = search.search(1, start, 0, end, step)?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Numbers of a row: the codes of a state, and at least one.
    fn width(&self) -> usize {
        (self.config.order - 1).max(1)
    }

    /// States as a beam search keeps them, the last code at the end of a row.
    fn rows_of(&self, states: &[NGramState]) -> Tensor<2> {
        let width = self.width();
        let row = |state: &NGramState| {
            let mut row = vec![NOTHING; width - state.codes.len()];
            row.extend(state.codes.iter().map(|code| *code as f32));
            row
        };
        let rows: Vec<f32> = states.iter().flat_map(row).collect();
        Tensor::from_data(
            TensorData::new(rows, [states.len(), width]),
            &Device::flex(),
        )
    }

    fn states_of(&self, states: Tensor<2>) -> Vec<NGramState> {
        let rows: Vec<f32> = numbers(&states.into_data());
        let state = |row: &[f32]| NGramState {
            codes: row
                .iter()
                .filter(|code| **code != NOTHING)
                .map(|code| *code as u32)
                .collect(),
        };
        rows.chunks(self.width()).map(state).collect()
    }
}
