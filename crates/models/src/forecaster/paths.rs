//! What comes, drawn: each value from the distribution that all before it give, and read in its turn.
//!
//! ```text
//! z_t ~ p(z_t | z_1 .. z_{t-1}, c_1 .. c_t)        t = T+1 .. T+horizon       ancestral sampling
//! ```
//!
//! All samples of all series are rows of one batch; a step takes the memory of one step.

use backdraft_cells::{Error, Layer, LayerInput, State};
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use rand::Rng;

use super::series::{check_covariates, write_step};
use super::{Forecaster, ForecasterState, NAME, Scale, Series, with_features};
use crate::Predictive;

/// What may become of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplePaths {
    /// Equally likely futures, each of as many steps.
    pub paths: Vec<Vec<f64>>,
}

impl SamplePaths {
    /// The number of steps.
    pub fn horizon(&self) -> usize {
        self.paths.first().map_or(0, Vec::len)
    }

    /// What the samples say of each step.
    pub fn predictives(&self) -> Vec<Predictive> {
        let samples = |step| self.paths.iter().map(|path| path[step]).collect();
        let steps = 0..self.horizon();
        steps
            .map(|step| Predictive::of_samples(samples(step)))
            .collect()
    }

    /// The mean of each step.
    pub fn mean(&self) -> Vec<f64> {
        self.predictives().iter().map(Predictive::mean).collect()
    }

    /// The quantile of each step at `level`, which is in `0..=1`; straight between two samples.
    pub fn quantile(&self, level: f64) -> Vec<f64> {
        let all = self.predictives();
        all.iter().map(|step| step.quantile(level)).collect()
    }
}

impl<L: Layer> Forecaster<L> {
    /// Draws `samples` futures of `horizon` steps for each series of `context`.
    ///
    /// * `context`: what is known, in units of which the future is drawn; the future of each series
    ///   begins after its own end.
    /// * `future`: of each series the covariates of each step to come; nothing if there are none.
    ///
    /// # Errors
    ///
    /// As [`one_step`](Self::one_step); when `horizon` or `samples` is 0, and when the covariates are
    /// not those of `horizon` steps.
    pub fn forecast(
        &self,
        context: &[Series],
        future: &[Vec<Vec<f64>>],
        horizon: usize,
        samples: usize,
        random: &mut impl Rng,
    ) -> Result<Vec<SamplePaths>, Error> {
        Error::unless_positive(NAME, "horizon", horizon)?;
        Error::unless_positive(NAME, "number of samples", samples)?;
        let known = self.covariates() > 0 || !future.is_empty();
        if known && future.len() != context.len() {
            let expected = format!("{}, one for each series", context.len());
            return Err(Error::new(
                NAME,
                "future covariates",
                expected,
                future.len(),
            ));
        }
        for (row, covariates) in future.iter().enumerate() {
            check_covariates(row, covariates, [horizon, self.covariates()])?;
        }
        let model = self.valid();
        let (_, state) = model.read(context, None)?;
        let mut state = repeated(state, samples);
        let categories = model.category_features(context)?;
        let categories = categories.map(|features| repeated_rows(features, samples));
        let mut paths = vec![Vec::with_capacity(horizon); context.len() * samples];
        for step in 0..horizon {
            let covariates = |row: usize| {
                let steps = future.get(row / samples).and_then(|steps| steps.get(step));
                steps.map_or(&[][..], Vec::as_slice)
            };
            model.draw(&mut state, covariates, categories.clone(), random)?;
            for (path, last) in paths.iter_mut().zip(&state.last) {
                path.extend(*last);
            }
        }
        let series = paths.chunks(samples).map(<[Vec<f64>]>::to_vec);
        Ok(series.map(|paths| SamplePaths { paths }).collect())
    }

    /// Goes on by one step, whose value is drawn.
    fn draw<'a>(
        &self,
        state: &mut ForecasterState<L::State>,
        covariates: impl Fn(usize) -> &'a [f64],
        categories: Option<Tensor<2>>,
        random: &mut impl Rng,
    ) -> Result<(), Error> {
        let (rows, width) = (state.last.len(), 2 + self.covariates());
        let mut inputs = vec![0.0; rows * width];
        let before = state.last.iter().zip(&state.scales).enumerate();
        for (features, (row, (last, scale))) in inputs.chunks_exact_mut(width).zip(before) {
            write_step(features, *last, *scale, covariates(row));
        }
        let device = self.output_bias.val().device();
        let inputs = Tensor::from_data(TensorData::new(inputs, [rows, 1, width]), &device);
        let inputs = with_features(inputs, categories);
        let run = self
            .layer
            .forward(LayerInput::new(inputs).with_state(state.layer.clone()))?;
        state.layer = run.state;
        let parameters = self.parameters(run.outputs, (0..rows as i32).collect());
        let parameters: Vec<f64> = parameters.into_data().iter().collect();
        let parameters = parameters.chunks(self.output.features());
        let drawn = parameters
            .zip(&state.scales)
            .map(|(parameters, scale): (_, &Scale)| {
                Some(self.predictive(parameters, *scale).sample(random))
            });
        state.last = drawn.collect();
        Ok(())
    }
}

/// Each row so many times, one after the other.
fn repeated<S: State>(state: ForecasterState<S>, times: usize) -> ForecasterState<S> {
    let rows: Vec<usize> = (0..state.last.len() * times)
        .map(|row| row / times)
        .collect();
    ForecasterState {
        layer: state.layer.map(&mut |tensor| repeated_rows(tensor, times)),
        last: rows.iter().map(|row| state.last[*row]).collect(),
        scales: rows.iter().map(|row| state.scales[*row]).collect(),
    }
}

/// Each row of a tensor so many times, one after the other.
fn repeated_rows(tensor: Tensor<2>, times: usize) -> Tensor<2> {
    let [rows, _] = tensor.dims();
    let places: Vec<i32> = (0..rows * times).map(|row| (row / times) as i32).collect();
    let places = TensorData::new(places, [rows * times]);
    let places = Tensor::<1, Int>::from_data(places, &tensor.device());
    tensor.select(0, places)
}
