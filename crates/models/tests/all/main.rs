//! Models, and the classical ones beside them.

mod attention;
mod autoregression;
mod beam;
mod classification_scores;
mod classifier;
mod composer;
mod crf;
mod ctc;
mod distribution;
mod encoder;
mod forecast_scores;
mod forecaster;
mod hidden_markov;
mod language_model;
mod linear_dynamical;
mod n_gram;
mod spans;
mod support;
mod tagger;
mod transcriber;
mod translator;
mod window;
