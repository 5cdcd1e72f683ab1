//! N-grams as text, in the format of ARPA, which SRILM, KenLM and most decoders of speech read and write.
//!
//! ```text
//! \data\
//! ngram 1=4                        how many n-grams follow, of each length
//! ngram 2=3
//!
//! \1-grams:
//! -0.60206    a    -0.30103        log10 p(a)      a    log10 b(a)
//! -99         <s>  -0.30103        a beginning, which is read and never written
//! ..
//! \2-grams:
//! -0.1249387  a b                  log10 p(b | a)
//! ..
//! \end\
//!
//! p(w | h) = p(w | h)              as it stands there, if h w does
//!          = b(h) p(w | h')        else; b(h) = 1 where none is told
//! ```
//!
//! The weight `g(h)` of Kneser and Ney is `b(h)`. Paul and Baker 1992, "The design for the Wall Street
//! Journal-based CSR corpus".

mod entries;
mod levels;
mod reading;
mod writing;

/// What begins a sequence.
const BEGIN_NAME: &str = "<s>";

/// What a word is that is not known.
const UNKNOWN_NAME: &str = "<unk>";

/// What ends a sequence.
const END_NAME: &str = "</s>";

/// The logarithm of the probability of what is never written.
const NEVER: f64 = -99.0;

/// The logarithm of the probability of an unknown word, or of an end, of which a file tells nothing: that of KenLM.
const UNTOLD: f64 = -100.0;
