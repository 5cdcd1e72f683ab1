//! A model of the next value of a series, given all before: a recurrent network that puts out a
//! distribution at each step.
//!
//! ```text
//! u_t = (z_t - m) / s                  scaled, by what is observed of the series
//! x_t = [u_{t-1}, o_{t-1}, c_t, e]     o: whether it was observed; c: covariates, known beforehand
//! e = [E_1[k_1], .., E_K[k_K]]         k: the categories of the series; a category that is not known gives zeros
//! h_t = layer(x_1 .. x_t)
//! p(u_t | z_1 .. z_{t-1}, c_1 .. c_t)  of the parameters W h_t + b        W: [F, H]   b: [F]
//!
//! -ln p(z_t) = -ln p(u_t) + ln s       of counts, p(z_t | s mu, alpha / sqrt(s)) itself
//! ```
//!
//! What is missing enters as 0 with o = 0, and has no loss. Salinas, Flunkert and Gasthaus 2017
//! (DeepAR), arXiv 1704.04110.

mod categories;
mod config;
mod paths;
mod scaling;
mod series;

use backdraft_cells::{Error, Layer, LayerInput, State};
use burn::module::{Module, ModuleDisplay, Param};
use burn::tensor::{Int, Tensor, TensorData};

use crate::{Output, Predictive};
pub use categories::{Categories, CategoriesConfig};
pub use config::ForecasterConfig;
pub use paths::SamplePaths;
pub use scaling::{Scale, Scaling};
pub use series::Series;

const NAME: &str = "Forecaster";

/// A model of the next value of a series.
#[derive(Module, Debug)]
pub struct Forecaster<L: Module + ModuleDisplay> {
    /// The recurrent layer.
    pub layer: L,
    /// `E_1 .. E_K`, if series have categories.
    pub categories: Option<Categories>,
    /// `W`.
    pub output_weight: Param<Tensor<2>>,
    /// `b`.
    pub output_bias: Param<Tensor<1>>,
    #[module(skip)]
    output: Output,
    #[module(skip)]
    scaling: Scaling,
}

/// Where some series stand, to be handed to the run that goes on from there.
#[derive(Debug, Clone)]
pub struct ForecasterState<S> {
    /// That of the layer.
    pub layer: S,
    /// The last value of each series; `None` where it is missing or nothing was read.
    pub last: Vec<Option<f64>>,
    /// The units of each series.
    pub scales: Vec<Scale>,
}

impl<S: State> ForecasterState<S> {
    /// The same values, cut off from the graph that made them.
    #[must_use]
    pub fn detach(self) -> Self {
        Self {
            layer: self.layer.detach(),
            ..self
        }
    }
}

/// How well each value was foreseen.
#[derive(Debug, Clone)]
pub struct SeriesLoss<S> {
    /// The loss of each observed value, series by series: `[observed]`. In nats if the output is a
    /// density; else an error in units of the series, so that large and small ones weigh the same.
    pub losses: Tensor<1>,
    /// Where each series ended.
    pub state: ForecasterState<S>,
}

/// What was said of each value before it came.
#[derive(Debug, Clone)]
pub struct OneStep<S> {
    /// Of each series, the distribution of each step's value, in the units of the data.
    pub predictives: Vec<Vec<Predictive>>,
    /// Where each series ended.
    pub state: ForecasterState<S>,
}

impl<L: Layer> Forecaster<L> {
    /// The number of covariates, `C`.
    pub fn covariates(&self) -> usize {
        self.layer.input_size() - 2 - self.categories.as_ref().map_or(0, Categories::features)
    }

    /// The kind of distribution.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// How the units of a series are found.
    pub fn scaling(&self) -> Scaling {
        self.scaling
    }

    /// The state of series that have just begun and are read in these units: of what is known of
    /// them beforehand, such as their first part, by [`Scaling::of`].
    pub fn initial_state(&self, scales: Vec<Scale>) -> ForecasterState<L::State> {
        ForecasterState {
            layer: self.layer.initial_state(scales.len()),
            last: vec![None; scales.len()],
            scales,
        }
    }

    /// Reads series, which may differ in length: `h_t`, `[batch, time, H]`, and where they end.
    fn read(
        &self,
        batch: &[Series],
        state: Option<ForecasterState<L::State>>,
    ) -> Result<(Tensor<3>, ForecasterState<L::State>), Error> {
        series::check(
            batch,
            self.covariates(),
            self.output == Output::NegativeBinomial,
        )?;
        let own_categories = self.category_features(batch)?;
        let own = || {
            batch
                .iter()
                .map(|series| self.scaling.of(&series.values))
                .collect()
        };
        let mut state = state.unwrap_or_else(|| self.initial_state(own()));
        for (what, rows) in [
            ("last values", state.last.len()),
            ("scales", state.scales.len()),
        ] {
            if rows != batch.len() {
                let expected = format!("{}, one for each series", batch.len());
                return Err(Error::new(
                    NAME,
                    format!("state: number of {what}"),
                    expected,
                    rows,
                ));
            }
        }
        let device = self.output_bias.val().device();
        let (inputs, lengths) = series::inputs(batch, self.covariates(), &state, &device);
        let inputs = with_features(inputs, own_categories);
        let run = self.layer.forward(
            LayerInput::new(inputs)
                .with_state(state.layer)
                .with_lengths(&lengths),
        );
        let run = run.map_err(|error| error.within(NAME))?;
        for (last, series) in state.last.iter_mut().zip(batch) {
            *last = series.values.last().copied().unwrap_or(*last);
        }
        let state = ForecasterState {
            layer: run.state,
            ..state
        };
        Ok((run.outputs, state))
    }

    /// `e` of each series: `[batch, features]`; nothing where the model reads no categories.
    fn category_features(&self, batch: &[Series]) -> Result<Option<Tensor<2>>, Error> {
        match &self.categories {
            Some(categories) => categories.of(batch).map(Some),
            None => categories::none(batch).map(|()| None),
        }
    }

    /// The parameters of `p(u_t)` of the steps at `places`, counted through all rows.
    fn parameters(&self, outputs: Tensor<3>, places: Vec<i32>) -> Tensor<2> {
        let [batch, time, hidden] = outputs.dims();
        let positions = places.len();
        let places = TensorData::new(places, [positions]);
        let places = Tensor::<1, Int>::from_data(places, &outputs.device());
        let features = outputs.reshape([batch * time, hidden]).select(0, places);
        let weight = self.output_weight.val().transpose();
        self.output
            .parameters(features.matmul(weight) + self.output_bias.val().unsqueeze())
    }

    /// How little each observed value was foreseen. Without a `state` the series begin here, in units
    /// of all that is observed of them here.
    ///
    /// # Errors
    ///
    /// When nothing is observed; when a value is not finite, or no count where the distribution is one
    /// of counts; when covariates are not those of the model or not finite; when the state does not
    /// fit.
    pub fn loss(
        &self,
        batch: &[Series],
        state: Option<ForecasterState<L::State>>,
    ) -> Result<SeriesLoss<L::State>, Error> {
        let (outputs, state) = self.read(batch, state)?;
        let [_, time, _] = outputs.dims();
        let (mut places, mut targets, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (series, scale)) in batch.iter().zip(&state.scales).enumerate() {
            for (step, value) in series.values.iter().enumerate() {
                let Some(value) = value else { continue };
                places.push((row * time + step) as i32);
                targets.push(*value);
                scales.push(*scale);
            }
        }
        Error::unless_positive(NAME, "number of observed values", targets.len())?;
        let parameters = self.parameters(outputs, places);
        let losses = self.losses(parameters, &targets, &scales);
        Ok(SeriesLoss { losses, state })
    }

    /// The loss of each target, of the parameters of `p(u_t)`.
    fn losses(&self, parameters: Tensor<2>, targets: &[f64], scales: &[Scale]) -> Tensor<1> {
        let device = parameters.device();
        let vector = |of: &dyn Fn((&f64, &Scale)) -> f64| {
            let values: Vec<f64> = targets.iter().zip(scales).map(of).collect();
            Tensor::<1>::from_data(TensorData::new(values, [targets.len()]), &device)
        };
        let scale = vector(&|(_, scale)| scale.scale);
        if self.output == Output::NegativeBinomial {
            let factors = Tensor::stack(vec![scale.clone(), scale.sqrt().recip()], 1);
            return self.output.loss(parameters * factors, vector(&|(z, _)| *z));
        }
        let loss = self
            .output
            .loss(parameters, vector(&|(z, scale)| scale.of(*z)));
        match self.output.is_density() {
            true => loss + scale.log(),
            false => loss,
        }
    }

    /// The one-step-ahead prediction of each value, given all values before it: for evaluation. Split long
    /// series into windows, and give each window the state of the window before.
    ///
    /// Without a `state` the series begin here, and their scale is computed from all values observed here. That
    /// uses values from the future; to avoid it, start from [`initial_state`](Self::initial_state).
    ///
    /// # Errors
    ///
    /// As [`loss`](Self::loss); but nothing need be observed.
    pub fn one_step(
        &self,
        batch: &[Series],
        state: Option<ForecasterState<L::State>>,
    ) -> Result<OneStep<L::State>, Error> {
        let model = self.valid();
        let state = state.map(|state| ForecasterState {
            layer: state.layer.without_autodiff(),
            ..state
        });
        let (outputs, state) = model.read(batch, state)?;
        let [rows, time, _] = outputs.dims();
        let parameters = model.parameters(outputs, (0..(rows * time) as i32).collect());
        let parameters: Vec<f64> = parameters.into_data().iter().collect();
        let rows = parameters.chunks(time * self.output.features());
        let predictives = rows
            .zip(batch)
            .zip(&state.scales)
            .map(|((row, series), scale)| {
                let steps = row.chunks(self.output.features()).take(series.values.len());
                steps.map(|step| self.predictive(step, *scale)).collect()
            });
        Ok(OneStep {
            predictives: predictives.collect(),
            state,
        })
    }

    /// The distribution of `z_t`, of the parameters of `p(u_t)`.
    fn predictive(&self, parameters: &[f64], scale: Scale) -> Predictive {
        let predictive = self.output.predictive(parameters);
        predictive.rescaled(scale.location, scale.scale)
    }
}

/// `[x_t, e]` at each step, of `[batch, time, features]` and `[batch, more]`.
fn with_features(inputs: Tensor<3>, features: Option<Tensor<2>>) -> Tensor<3> {
    let Some(features) = features else {
        return inputs;
    };
    let [batch, time, _] = inputs.dims();
    let [_, more] = features.dims();
    let features = features.unsqueeze_dim::<3>(1).expand([batch, time, more]);
    Tensor::cat(vec![inputs, features], 2)
}
