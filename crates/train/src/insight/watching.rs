//! The recurrences of a model, each watched as the model runs.

use backdraft_cells::{WatchedStep, Watcher};
use backdraft_models::Encoder;

use super::layer_name::{LayerName, names};

/// What watches each recurrence of a model.
pub(super) struct Watching {
    layers: Vec<(LayerName, Watcher)>,
}

impl Watching {
    /// Watches the stacks of a model, each with what it is called where there are several.
    pub(super) fn of(stacks: Vec<(&str, &mut Encoder)>, watcher: impl Fn() -> Watcher) -> Self {
        let seen: Vec<(&str, &Encoder)> = stacks.iter().map(|(name, it)| (*name, &**it)).collect();
        let mut names = names(&seen).into_iter();
        let mut layers = Vec::new();
        for (_, stack) in stacks {
            for layer in stack.recurrences_mut() {
                let watcher = watcher();
                *layer = layer.clone().watched(&watcher);
                layers.push((names.next().expect("a name for each"), watcher));
            }
        }
        Self { layers }
    }

    /// What each recurrence did since the last time.
    pub(super) fn take(&self) -> impl Iterator<Item = (&LayerName, Vec<WatchedStep>)> {
        let layers = self.layers.iter();
        layers.map(|(name, watcher)| (name, watcher.take()))
    }
}

/// Of each row, whether the step is one of its own, not padding.
pub(super) fn valid_rows(step: &WatchedStep) -> Vec<bool> {
    match &step.valid {
        Some(valid) => valid.to_data().iter::<bool>().collect(),
        None => vec![true; step.output.dims()[0]],
    }
}
