//! What is known of labels without having heard anything: which may follow, and how likely.

use backdraft_cells::Error;

use super::BLANK;
use crate::baselines::{NGram, NGramState};

/// A language model over labels, for a [`PrefixBeam`](super::PrefixBeam).
///
/// `()` knows nothing, and a pair knows what both do: the product of their probabilities. A
/// [`WordList`](super::WordList) says which words there are.
pub trait LabelModel {
    /// Where it is in a sequence of labels.
    type State: Clone;

    /// Checks that it knows labels of `symbols` symbols: those below that number.
    ///
    /// # Errors
    ///
    /// When it knows others.
    fn check(&self, _symbols: usize) -> Result<(), Error> {
        Ok(())
    }

    /// Before the first label.
    fn start(&self) -> Self::State;

    /// `ln p(label | those before it)`, and where it is after it. Minus infinity is impossible, and so is
    /// NaN.
    fn advance(&self, state: &Self::State, label: u32) -> (f64, Self::State);

    /// Writes what [`advance`](Self::advance) has for `ln p` of each label to its place. The first place is
    /// the blank's; what is there is not used. A model that knows all at once better than one by one has
    /// its own.
    fn next(&self, state: &Self::State, log_p: &mut [f64]) {
        for (label, log_p) in (0..).zip(log_p).skip(1) {
            *log_p = self.advance(state, label).0;
        }
    }

    /// `ln p(no label more | those before)`. Minus infinity is impossible, and so is NaN.
    fn end(&self, state: &Self::State) -> f64;
}

/// Nothing is known: `ln p = 0` of all labels.
impl LabelModel for () {
    type State = ();

    fn start(&self) {}

    fn advance(&self, (): &(), _label: u32) -> (f64, ()) {
        (0.0, ())
    }

    fn end(&self, (): &()) -> f64 {
        0.0
    }
}

impl<M: LabelModel> LabelModel for &M {
    type State = M::State;

    fn check(&self, symbols: usize) -> Result<(), Error> {
        M::check(self, symbols)
    }

    fn start(&self) -> M::State {
        M::start(self)
    }

    fn advance(&self, state: &M::State, label: u32) -> (f64, M::State) {
        M::advance(self, state, label)
    }

    fn next(&self, state: &M::State, log_p: &mut [f64]) {
        M::next(self, state, log_p);
    }

    fn end(&self, state: &M::State) -> f64 {
        M::end(self, state)
    }
}

/// Both at once: `ln p = ln p_1 + ln p_2`.
impl<A: LabelModel, B: LabelModel> LabelModel for (A, B) {
    type State = (A::State, B::State);

    fn check(&self, symbols: usize) -> Result<(), Error> {
        self.0.check(symbols)?;
        self.1.check(symbols)
    }

    fn start(&self) -> Self::State {
        (self.0.start(), self.1.start())
    }

    fn advance(&self, state: &Self::State, label: u32) -> (f64, Self::State) {
        let (first, one) = self.0.advance(&state.0, label);
        let (second, other) = self.1.advance(&state.1, label);
        (first + second, (one, other))
    }

    fn next(&self, state: &Self::State, log_p: &mut [f64]) {
        self.0.next(&state.0, log_p);
        let mut second = vec![0.0; log_p.len()];
        self.1.next(&state.1, &mut second);
        for (first, second) in log_p.iter_mut().zip(second) {
            *first += second;
        }
    }

    fn end(&self, state: &Self::State) -> f64 {
        self.0.end(&state.0) + self.1.end(&state.1)
    }
}

/// N-grams of the symbols of a transcriber, among which the [blank](BLANK), as it is no label, is the
/// end: fit them to transcripts with a 0 after each.
impl LabelModel for NGram {
    type State = NGramState;

    fn check(&self, symbols: usize) -> Result<(), Error> {
        if self.vocabulary_size() != symbols {
            let expected = format!("{symbols}, the labels and the end in place of the blank");
            return Err(Error::new(
                "NGram",
                "vocabulary size",
                expected,
                self.vocabulary_size(),
            ));
        }
        Ok(())
    }

    fn start(&self) -> NGramState {
        self.initial_state()
    }

    fn advance(&self, state: &NGramState, label: u32) -> (f64, NGramState) {
        let mut after = state.clone();
        let nats = self.nats_from(&mut after, &[label]);
        // What is no symbol of its is impossible.
        let log_p = nats.map_or(f64::NEG_INFINITY, |nats| -nats.iter().sum::<f64>());
        (log_p, after)
    }

    fn next(&self, state: &NGramState, log_p: &mut [f64]) {
        for (log_p, p) in log_p.iter_mut().zip(self.distribution(state)) {
            *log_p = p.ln();
        }
    }

    fn end(&self, state: &NGramState) -> f64 {
        self.probability(state, BLANK)
            .map_or(f64::NEG_INFINITY, f64::ln)
    }
}
