//! Checkpoints: all that a training is made of, saved as it goes, so that it can go on from there
//! as if it had never stopped.
//!
//! ```text
//! checkpoints/step-00001200/
//!     model.bpk         the weights
//!     optimizer.bpk     what the optimiser remembers
//!     schedule.bpk      where the learning rate is
//!     state.bpk         what each stream carries into its next window
//!     average.bpk       the average of the weights, where there is one
//!     checkpoint.json   steps, epochs and what goes on beside: the best figure ..
//!     checksums.txt     of each of these files
//! ```
//!
//! Random numbers need no place: those of a step follow from the run's seed and the step's number.
//!
//! A checkpoint is written beside training, under another name, synced, and renamed; then the
//! oldest is removed. Killed at any moment, the program leaves at least one that is whole.
//!
//! burn-train's checkpointers do the work: a learner hands its parts to [`Checkpoints`], and the
//! last part that arrives completes the folder.

mod carried;
mod folder;
mod part;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use backdraft_cells::State;
use burn::lr_scheduler::LrSchedulerRecord;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::train::checkpoint::{CheckpointerError, CheckpointingAction, CheckpointingStrategy};
use burn::train::metric::store::EventStoreClient;
use serde::{Deserialize, Serialize};

pub use carried::Carried;
pub(crate) use folder::Latest;
pub use part::LearnerPart;

use crate::{History, LeftOut, Run, Saving, TrainError};
use folder::Draft;

/// What a learner is made of: the model, what the optimiser remembers, the schedule.
const PARTS: [&str; 3] = ["model.bpk", "optimizer.bpk", "schedule.bpk"];
const CARRIED: &str = "state.bpk";
const AVERAGE: &str = "average.bpk";

/// Where a training is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The training that it is of, by whatever tells it from others; empty where nothing does.
    #[serde(default)]
    pub training: String,
    /// Steps of the optimiser so far.
    pub steps: usize,
    /// Epochs whose evaluation is over.
    pub epochs: usize,
    /// The shape of each tensor that is carried into the next window; none where nothing is.
    pub carried: Vec<[usize; 2]>,
    /// The losses of the evaluations so far.
    #[serde(default)]
    pub history: History,
    /// Steps before the last of them.
    #[serde(default)]
    pub evaluated: usize,
    /// Steps in the average of the weights; 0 where there is none.
    #[serde(default)]
    pub averaged: usize,
    /// Steps in a row that the guard has left out.
    #[serde(default)]
    pub left_out: LeftOut,
    /// What the [`Observer`](crate::Observer) remembers.
    pub observer: serde_json::Value,
}

impl Position {
    /// Refuses a checkpoint of another run.
    pub(crate) fn check(&self, run: &Run) -> Result<(), TrainError> {
        match self.training == run.fingerprint()? {
            true => Ok(()),
            false => Err(TrainError::NoCheckpoint {
                path: run.path().to_path_buf(),
                reason: format!(
                    "the checkpoint after {} steps is one of another run",
                    self.steps
                ),
            }),
        }
    }
}

/// Where and when a training is saved; clones are the same.
#[derive(Debug, Clone)]
pub struct Checkpoints(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    saving: Saving,
    progress: Mutex<Progress>,
    /// Held by the one that makes and writes a file: one core of the machine is enough for it, while
    /// training has the others.
    writing: Mutex<()>,
    /// Told when there is no draft any more.
    settled: Condvar,
}

#[derive(Debug)]
struct Progress {
    /// What is being written.
    draft: Option<Draft>,
    last: Instant,
    /// Why a checkpoint could not be written.
    failure: Option<TrainError>,
}

impl Checkpoints {
    /// Checkpoints in `folder`.
    ///
    /// # Panics
    ///
    /// When none would stay.
    pub fn new(folder: PathBuf, saving: Saving) -> Self {
        assert!(saving.keep > 0, "a checkpoint is kept");
        let progress = Progress {
            draft: None,
            last: Instant::now(),
            failure: None,
        };
        Self(Arc::new(Shared {
            folder,
            saving,
            progress: Mutex::new(progress),
            writing: Mutex::new(()),
            settled: Condvar::new(),
        }))
    }

    /// The three that `SupervisedTraining::with_custom_checkpointers` takes: of the model, of the
    /// optimiser and of the schedule. [`SaveAlways`] goes with them.
    pub fn parts(&self) -> [LearnerPart; 3] {
        PARTS.map(|name| LearnerPart::new(self.clone(), name))
    }

    /// Whether one is due after so many steps. One that is due by the clock waits until the last is
    /// written; one that is due by its step does not.
    pub(crate) fn is_due(&self, steps: usize) -> bool {
        let progress = self.progress();
        let Saving {
            steps: every,
            seconds,
            ..
        } = self.0.saving;
        let elapsed = progress.last.elapsed().as_secs_f64();
        let by_steps = every.is_some_and(|every| steps.is_multiple_of(every));
        let by_clock = seconds.is_some_and(|seconds| elapsed >= seconds);
        by_steps || (by_clock && progress.draft.is_none())
    }

    /// Why the training was stopped, if it was because a checkpoint could not be written.
    pub(crate) fn failure(&self) -> Option<TrainError> {
        self.settled().failure.take()
    }

    /// Begins the checkpoint of a position, once the one before it is written: the learner's parts
    /// are to follow. One at a time.
    pub(crate) fn begin<S: State>(
        &self,
        position: &Position,
        carried: Option<&S>,
        average: Option<ModuleRecord>,
    ) -> Result<(), CheckpointerError> {
        // Drafted without the lock: the training, which asks whether the next is due, need not wait.
        self.settled().last = Instant::now();
        let begun = Draft::begin(&self.0.folder, position).and_then(|mut draft| {
            if let Some(carried) = carried {
                draft.write(CARRIED, &Carried::of(carried).into_bytes())?;
            }
            if let Some(average) = average {
                let content = average.into_bytes();
                draft.write(AVERAGE, &content.expect("tensors in memory are a record"))?;
            }
            Ok(draft)
        });
        let mut progress = self.progress();
        match begun {
            Ok(draft) => {
                progress.draft = Some(draft);
                Ok(())
            }
            Err(error) => Err(self.fail(&mut progress, error)),
        }
    }

    /// Once no draft is being written.
    fn settled(&self) -> MutexGuard<'_, Progress> {
        let mut progress = self.progress();
        while progress.draft.is_some() {
            let waited = self.0.settled.wait(progress);
            progress = waited.unwrap_or_else(PoisonError::into_inner);
        }
        progress
    }

    /// Takes a part of the learner. The last completes the checkpoint.
    fn put(&self, steps: usize, name: &str, content: &[u8]) -> Result<(), CheckpointerError> {
        let folder = {
            let progress = self.progress();
            let draft = progress.draft.as_ref();
            // Another part failed, and the checkpoint with it.
            let Some(draft) = draft.filter(|draft| draft.steps() == steps) else {
                return Ok(());
            };
            draft.path().to_path_buf()
        };
        // Without the lock: whoever asks whether a checkpoint is due need not wait for it.
        let written = folder::write(&folder, name, content);
        let mut progress = self.progress();
        let Some(draft) = progress.draft.as_mut() else {
            return Ok(());
        };
        let result = written.and_then(|()| {
            draft.add(name, content);
            match draft.has(PARTS) {
                true => draft
                    .complete(&self.0.folder, self.0.saving.keep)
                    .map(|()| true),
                false => Ok(false),
            }
        });
        match result {
            Ok(false) => Ok(()),
            Ok(true) => {
                progress.draft = None;
                self.0.settled.notify_all();
                Ok(())
            }
            Err(error) => Err(self.fail(&mut progress, error)),
        }
    }

    /// Gives up the checkpoint of which a part is nothing that can be written.
    fn give_up(&self, steps: usize, name: &str, error: RecordError) -> CheckpointerError {
        let path = self.0.folder.join(folder::name_of(steps)).join(name);
        let error = TrainError::Unwritable {
            path,
            error: std::io::Error::other(crate::run::plain(error)),
        };
        self.fail(&mut self.progress(), error)
    }

    /// Gives up what is being written; burn-train is told no more than that.
    fn fail(&self, progress: &mut Progress, error: TrainError) -> CheckpointerError {
        if let Some(draft) = progress.draft.take() {
            draft.remove();
        }
        self.0.settled.notify_all();
        let told = CheckpointerError::Unknown(error.to_string());
        progress.failure.get_or_insert(error);
        told
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        let writing = self.0.writing.lock();
        writing.unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        let progress = self.0.progress.lock();
        progress.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the folder of checkpoints, with one of a training that has not begun: so there is always one.
pub(crate) fn begin(
    folder: &Path,
    training: String,
    observer: serde_json::Value,
    weights: ModuleRecord,
    optimizer: OptimizerRecord,
    schedule: LrSchedulerRecord,
) -> Result<(), TrainError> {
    std::fs::create_dir(folder).map_err(|error| TrainError::Unwritable {
        path: folder.to_path_buf(),
        error,
    })?;
    let position = Position {
        training,
        observer,
        ..Position::default()
    };
    let mut draft = Draft::begin(folder, &position)?;
    let contents = [
        weights.into_bytes(),
        optimizer.into_bytes(),
        schedule.into_bytes(),
    ];
    for (name, content) in PARTS.into_iter().zip(contents) {
        draft.write(name, &content.expect("tensors in memory are a record"))?;
    }
    draft.complete(folder, 1)
}

/// burn-train's strategy for [`Checkpoints`], which say themselves when they are due: whatever it
/// is asked to save is saved.
#[derive(Debug, Clone, Copy)]
pub struct SaveAlways;

impl CheckpointingStrategy for SaveAlways {
    fn checkpointing(&mut self, _: usize, _: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Bytes;
    use burn::train::checkpoint::{Checkpoint, Checkpointer};

    /// A part that is nothing that can be written.
    struct Broken;

    impl Checkpoint for Broken {
        fn save(self, _: PathBuf) -> Result<(), CheckpointerError> {
            unreachable!("parts go through bytes")
        }

        fn load(_: PathBuf) -> Result<Self, CheckpointerError> {
            unreachable!("parts go through bytes")
        }

        fn checkpoint_from_bytes(_: Bytes) -> Result<Self, RecordError> {
            Ok(Self)
        }

        fn checkpoint_into_bytes(self) -> Result<Bytes, RecordError> {
            Err(RecordError::Io("too deep".to_string()))
        }
    }

    #[test]
    fn a_part_that_cannot_be_written_gives_the_checkpoint_up() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().to_path_buf(), Saving::default());
        let position = Position::default();
        checkpoints.begin(&position, None::<&()>, None).unwrap();
        let [model, _, _] = checkpoints.parts();
        model.save(0, Broken).unwrap_err();
        // The next waits for none that is never written.
        checkpoints.begin(&position, None::<&()>, None).unwrap();
        model.save(0, Broken).unwrap_err();
        let error = checkpoints.failure().unwrap().to_string();
        assert!(
            error.starts_with("cannot write ") && error.ends_with("model.bpk: too deep"),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_the_run_was_removed_no_checkpoint_makes_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("run/checkpoints");
        let checkpoints = Checkpoints::new(gone.clone(), Saving::default());
        let position = Position::default();
        checkpoints.begin(&position, None::<&()>, None).unwrap_err();
        assert!(!gone.exists());
    }
}
