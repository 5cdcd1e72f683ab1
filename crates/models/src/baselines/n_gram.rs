//! The next symbol, from counts of the last `n - 1`: n-grams with interpolated Kneser-Ney smoothing.
//!
//! ```text
//! h = x_{t-k} .. x_{t-1}                     a context of k symbols, k < n;  h': h without its oldest
//!
//! p(w | h)  = (c(h w) - D_k(c(h w))) / c(h) + g(h) p(w | h')       the first term 0 where c(h w) is
//! g(h)      = sum_w D_k(c(h w)) / c(h)         c(h) = sum_w c(h w)
//! p(w | h)  = p(w | h')                        where c(h) = 0
//! p(w)      = (c(w) - D_0(c(w))) / c + g / V   V symbols: whatever was not seen is possible
//!
//! c(h w)    = how often h w occurs                       if k = n - 1, or a sequence begins with h
//!           = |{v : v h w occurs}|                       else: the symbols that it follows
//!
//! n_j       = |{h w : c(h w) = j}|,  Y = n_1 / (n_1 + 2 n_2)        of each k by itself
//! D_k(c)    = Y                                          single
//!           = j - (j + 1) Y n_{j+1} / n_j,  j = min(c, 3)       modified
//! ```
//!
//! What precedes a sequence counts as one symbol `v` of its own. Where a discount is not to be had (one
//! of the `n_j` in it is 0, as in a small vocabulary, or it is not above 0), those of this `k` are 0.75,
//! or, if modified, all three of 0.5, 1 and 1.5: Chen and Goodman leave it open; these are the usual
//! constants, the latter those of KenLM's `--discount_fallback`. Discounts are above 0 and at most their
//! count, so that distributions sum to 1 and no probability is 0.
//!
//! Kneser and Ney 1995, "Improved backing-off for m-gram language modeling"; modified, and
//! interpolated: Chen and Goodman 1998, "An empirical study of smoothing techniques for language
//! modeling", TR-10-98.

mod arpa;
mod config;
mod contexts;
mod discount;
mod generator;
mod likeliest;
mod sorted;

use backdraft_cells::Error;

pub use config::NGramConfig;
use contexts::Contexts;
pub use discount::Discounting;
pub use generator::NGramGenerator;
use sorted::{BEGIN, code};

const NAME: &str = "NGram";

/// A model of the next symbol by counts of what it followed, by [`NGramConfig::fit`].
///
/// ```
/// use backdraft_models::baselines::NGramConfig;
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let text = [0, 1, 2, 0, 1, 2, 0, 1, 3];
/// let model = NGramConfig::new(4, 3).fit(&[text])?; // 4 symbols, trigrams
/// let mut state = model.initial_state();
/// model.read(&mut state, &[2, 0])?;
/// assert!(model.distribution(&state)[1] > 0.7);
/// let nats = model.nats(&[0, 1, 2])?;
/// assert_eq!(nats.len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NGram {
    config: NGramConfig,
    /// Contexts of 0, 1 .. n - 1 symbols.
    levels: Vec<Contexts>,
}

/// The last symbols that were read, `n - 1` at most, to be handed to whatever goes on from there.
///
/// The default is that of a text of which nothing is known, not even whether it begins here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NGramState {
    /// The oldest first; a sequence begins with [`BEGIN`].
    codes: Vec<u32>,
}

impl NGram {
    /// What it was fitted by; of one that was read, its vocabulary and order.
    pub fn config(&self) -> &NGramConfig {
        &self.config
    }

    /// The number of symbols, `V`.
    pub fn vocabulary_size(&self) -> usize {
        self.config.vocabulary_size
    }

    /// The number of counts that are stored: all distinct n-grams of 1 .. n symbols.
    pub fn parameters(&self) -> usize {
        self.grams().iter().sum()
    }

    /// The number of distinct n-grams of 1, 2 .. n symbols. The symbol that begins sequences is one
    /// of an n-gram, but none by itself.
    pub fn grams(&self) -> Vec<usize> {
        self.levels.iter().map(Contexts::grams).collect()
    }

    /// The discounts of the counts 1, 2 and above, of n-grams of 1, 2 .. n symbols; 0 where it was read.
    pub fn discounts(&self) -> Vec<[f64; 3]> {
        self.levels.iter().map(|level| level.discounts).collect()
    }

    /// Bytes that the counts take.
    pub fn bytes(&self) -> usize {
        self.levels.iter().map(Contexts::bytes).sum()
    }

    /// The state of a sequence that has just begun.
    pub fn initial_state(&self) -> NGramState {
        let mut state = NGramState::default();
        if self.config.begin {
            self.push(&mut state, BEGIN);
        }
        state
    }

    /// Goes on by these symbols.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary; `state` is then as it was.
    pub fn read(&self, state: &mut NGramState, symbols: &[u32]) -> Result<(), Error> {
        self.check(symbols)?;
        for symbol in symbols {
            self.push(state, code(*symbol));
        }
        Ok(())
    }

    /// The probability that `symbol` comes next.
    ///
    /// # Errors
    ///
    /// When it is not of the vocabulary.
    pub fn probability(&self, state: &NGramState, symbol: u32) -> Result<f64, Error> {
        self.check(&[symbol])?;
        Ok(self.p(state, code(symbol)))
    }

    /// The probability of each symbol to come next: `V` numbers above 0 that sum to 1.
    pub fn distribution(&self, state: &NGramState) -> Vec<f64> {
        let symbols = self.vocabulary_size();
        let mut p = vec![(symbols as f64).recip(); symbols];
        for (level, context) in self.seen(state) {
            let (weight, shares) = (level.weight(context), level.shares(context));
            p.iter_mut().for_each(|p| *p *= weight);
            for (code, share) in shares {
                p[code as usize - 1] += share;
            }
        }
        p.iter_mut().for_each(|p| *p = p.max(f64::MIN_POSITIVE));
        p
    }

    /// `-ln p` of each symbol of a sequence, given those before it.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary.
    pub fn nats(&self, symbols: &[u32]) -> Result<Vec<f64>, Error> {
        self.nats_from(&mut self.initial_state(), symbols)
    }

    /// `-ln p` of each symbol of a text that goes on where `state` is; `state` then is where it ends.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary; `state` is then as it was.
    pub fn nats_from(&self, state: &mut NGramState, symbols: &[u32]) -> Result<Vec<f64>, Error> {
        self.check(symbols)?;
        let nats = symbols.iter().map(|symbol| {
            let p = self.p(state, code(*symbol));
            self.push(state, code(*symbol));
            -p.ln()
        });
        Ok(nats.collect())
    }

    fn p(&self, state: &NGramState, code: u32) -> f64 {
        let uniform = (self.vocabulary_size() as f64).recip();
        let p = self.seen(state).fold(uniform, |p, (level, context)| {
            level.share(context, code) + level.weight(context) * p
        });
        // Of what a file tells, a sum may come to less than nothing by its last digit.
        p.max(f64::MIN_POSITIVE)
    }

    /// The context of these symbols, the oldest first, if it was seen.
    fn context(&self, codes: &[u32]) -> Option<(&Contexts, usize)> {
        let mut at = (self.levels.first()?, 0);
        for (length, code) in codes.iter().rev().enumerate() {
            let next = self.levels.get(length + 1)?;
            at = (next, at.0.longer(at.1, next, *code)?);
        }
        Some(at)
    }

    /// The contexts that end `state` and were seen, from the empty one to the longest.
    fn seen<'a>(&'a self, state: &'a NGramState) -> impl Iterator<Item = (&'a Contexts, usize)> {
        let mut older = state.codes.iter().rev();
        let next = move |(at, context): &(usize, usize)| {
            let (at, context) = (*at, *context);
            Some((
                at + 1,
                self.levels[at].longer(context, self.levels.get(at + 1)?, *older.next()?)?,
            ))
        };
        std::iter::successors(Some((0, 0)), next).map(|(at, context)| (&self.levels[at], context))
    }

    fn push(&self, state: &mut NGramState, pushed: u32) {
        if self.config.end.map(code) == Some(pushed) {
            *state = self.initial_state();
            return;
        }
        state.codes.push(pushed);
        let most = self.config.order - 1;
        let excess = state.codes.len().saturating_sub(most);
        state.codes.drain(..excess);
    }

    fn check(&self, symbols: &[u32]) -> Result<(), Error> {
        config::check_symbols(self.vocabulary_size(), symbols)
    }
}
