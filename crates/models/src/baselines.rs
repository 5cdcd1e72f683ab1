//! Models that a recurrent net is compared with: without memory, and with memory that is not a net's.

mod autoregression;
mod cholesky;
pub mod hidden_markov;
pub mod linear_dynamical;
mod matrix;
mod n_gram;
mod time_delay;
mod window;

pub use autoregression::{
    Autoregression, AutoregressionConfig, AutoregressionFit, AutoregressionModule, Criterion,
};
pub use n_gram::{Discounting, NGram, NGramConfig, NGramGenerator, NGramState};
pub use time_delay::TimeDelayConfig;
pub use window::{Arrangement, WindowConfig, WindowNet, WindowState};
