//! `backdraft-bench peers`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::measuring::{Measuring, tell};
use super::print::report;
use crate::{
    BenchError, Comparisons, Contender, DeviceChoice, FoundDevice, LanguageModelSetup, Mean,
    ModelRow, ModelSetup, PyTorch, PyTorchModel, Row, TaggerSetup, TranslatorSetup, Way, ours,
    sgemm_gflops,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A Python that has PyTorch
    #[arg(long, value_name = "PATH")]
    python: PathBuf,
    /// What ours computes on; PyTorch computes on the CPU
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Measure only this [default: all]
    #[arg(long, value_enum)]
    only: Option<Subject>,
    #[command(flatten)]
    measuring: Measuring,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Layers of each cell
    Layers,
    /// Whole steps of a language model's training, of two LSTMs: at 64,64,512,512 where no shapes are
    /// given, the input being the embedding
    LanguageModel,
    /// Whole steps of the training of an encoder-decoder with attention, additive and general: at
    /// 64,20,64,256 where no shapes are given, the time being that of source and target
    Translator,
    /// Whole steps of the training of a tagger, of LSTMs in both directions over words and their
    /// characters, with a conditional random field: at 32,40,100,100 where no shapes are given, the time
    /// being that of the longest sentences
    Tagger,
}

impl Arguments {
    fn wants(&self, subject: Subject) -> bool {
        self.only.is_none_or(|only| only == subject)
    }

    fn layers(&self, place: &FoundDevice, pytorch: &PyTorch) -> Result<Vec<Row>, BenchError> {
        self.measuring.rows(place.on_cpu, |cell, shape| {
            let mut kernel = ours(cell, shape, place, Way::Kernel)?;
            let mut peer = pytorch.contender(cell, shape);
            let against = peer.name().to_string();
            let row = Row::measure(
                (cell, shape),
                place.name,
                kernel.as_mut(),
                peer.as_mut(),
                &against,
                self.measuring.how.pairs,
            )?;
            Ok(vec![row])
        })
    }

    /// Whole models of a kind, against each program of PyTorch; also tells what those are.
    fn models<S: ModelSetup>(
        &self,
        place: &FoundDevice,
        threads: usize,
    ) -> Result<(Vec<ModelRow>, Vec<String>), BenchError> {
        let (mut rows, mut contenders) = (Vec::new(), Vec::new());
        for program in S::PYTORCH {
            let mut pytorch = PyTorchModel::start(&self.python, program, threads)?;
            contenders.push(format!("{}: {}", pytorch.name(), pytorch.description()));
            rows.extend(self.against::<S>(place, &mut pytorch)?);
        }
        Ok((rows, contenders))
    }

    fn against<S: ModelSetup>(
        &self,
        place: &FoundDevice,
        pytorch: &mut PyTorchModel,
    ) -> Result<Vec<ModelRow>, BenchError> {
        let how = &self.measuring.how;
        let shapes = match how.shapes.as_slice() {
            [] => &[S::SHAPE],
            some => some,
        };
        let setups = shapes.iter().flat_map(|&shape| S::all(shape));
        let measured = setups.map(|setup| {
            let sgemm = if place.on_cpu { sgemm_gflops() } else { None };
            let model = ModelRow::measure(&setup, place, pytorch, how.pairs)?;
            tell(model.model, &model.row);
            Ok(match place.on_cpu {
                true => model.with_sgemm(sgemm),
                false => model,
            })
        });
        measured.collect()
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let place = arguments.device.find()?;
    let how = &arguments.measuring.how;
    let threads = how.start(&[arguments.device])?;

    let mut contenders = vec![format!("{}: {}", place.name, place.description)];
    let (mut rows, mut models) = (Vec::new(), Vec::new());
    for &subject in Subject::value_variants() {
        if !arguments.wants(subject) {
            continue;
        }
        let (measured, programs) = match subject {
            Subject::Layers => {
                let pytorch = PyTorch::start(&arguments.python, threads)?;
                rows = arguments.layers(&place, &pytorch)?;
                let program = format!("pytorch: PyTorch {}", pytorch.version());
                (Vec::new(), vec![program])
            }
            Subject::LanguageModel => arguments.models::<LanguageModelSetup>(&place, threads)?,
            Subject::Translator => arguments.models::<TranslatorSetup>(&place, threads)?,
            Subject::Tagger => arguments.models::<TaggerSetup>(&place, threads)?,
        };
        models.extend(measured);
        for program in programs {
            if !contenders.contains(&program) {
                contenders.push(program);
            }
        }
    }
    let comparisons = Comparisons {
        command: "peers",
        meaning: "How many times as fast ours is as PyTorch on the CPU",
        threads,
        contenders,
        means: Mean::of(&rows),
        rows,
        models,
    };
    report(&comparisons, how)
}
