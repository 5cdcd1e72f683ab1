//! What was measured of a model.

use serde::Serialize;

use super::{Agreement, ModelSetup};
use crate::report::table::digits;
use crate::{BenchError, CellKind, FoundDevice, ModelContender, ModelStep, Row};

/// Milliseconds of the parts of our training step; medians.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parts {
    /// The loss, with what is kept for its gradients.
    pub forward_ms: f64,
    /// The gradients.
    pub backward_ms: f64,
    /// The norm of the whole gradient, and its clipping.
    pub clipping_ms: f64,
    /// Adam.
    pub optimizer_ms: f64,
}

/// Ours against another, in training a whole model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelRow {
    /// The model, as the table names it.
    pub model: &'static str,
    /// The comparison; its training step is the whole one.
    #[serde(flatten)]
    pub row: Row,
    /// Recurrent layers on top of each other.
    pub layers: usize,
    /// Symbols that have an embedding.
    pub vocabulary: usize,
    /// What our step is made of, measured apart: a device waits for each part's end.
    pub parts: Parts,
    /// That both compute the same.
    pub agreement: Agreement,
    /// What the model is made of.
    #[serde(skip)]
    description: String,
    /// Floating-point operations of the matrix products of a training step.
    #[serde(skip)]
    training_flops: f64,
}

impl ModelRow {
    /// Trains both from the same weights, sees that they learn the same, and compares them; ours
    /// runs on `place`.
    ///
    /// # Errors
    ///
    /// When either cannot run, or their losses differ.
    pub fn measure<S: ModelSetup>(
        setup: &S,
        place: &FoundDevice,
        theirs: &mut dyn ModelContender<S>,
        pairs: Option<usize>,
    ) -> Result<Self, BenchError> {
        let mut ours = ModelStep::new(setup.clone(), place)?;
        theirs.copy(&ours)?;
        let agreement = Agreement::measure(&mut ours, theirs)?;
        let against = theirs.name().to_string();
        let row = Row::measure(
            (CellKind::Lstm, setup.shape()),
            place.name,
            &mut ours,
            theirs,
            &against,
            pairs,
        )?;
        Ok(Self {
            model: setup.name(),
            row: row.with_symbols(setup.symbols_read()),
            layers: setup.layers(),
            vocabulary: setup.vocabulary(),
            parts: ours.parts()?,
            agreement,
            description: setup.describe(),
            training_flops: setup.training_flops(),
        })
    }

    /// Adds how near our training step comes to what the processor can do at best.
    #[must_use]
    pub fn with_sgemm(mut self, sgemm_gflops: Option<f64>) -> Self {
        self.row = self.row.with_rate(self.training_flops, sgemm_gflops);
        self
    }

    /// What our step is made of, and that both sides compute the same, in words.
    pub(crate) fn details(&self) -> String {
        let Parts {
            forward_ms,
            backward_ms,
            clipping_ms,
            optimizer_ms,
        } = self.parts;
        let parts = [
            ("forward", forward_ms),
            ("backward", backward_ms),
            ("clipping", clipping_ms),
            ("optimiser", optimizer_ms),
        ];
        let whole: f64 = parts.iter().map(|(_, ms)| ms).sum();
        let parts = parts.map(|(name, ms)| {
            let percent = 100.0 * ms / whole;
            format!("{name} {} ms ({percent:.0} %)", digits(ms))
        });
        format!(
            "{} {} against {}: {}, clipping, Adam\n\
             our step: {}\n\
             the losses of {} steps from the same weights differ by {:.1e} nats at most\n",
            self.model,
            self.row.shape,
            self.row.against,
            self.description,
            parts.join(", "),
            self.agreement.losses.len(),
            self.agreement.difference
        )
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        Comparisons, DeviceChoice, LanguageModelSetup, Report, TaggerSetup, TranslatorSetup,
    };

    /// Ours against itself.
    fn rows<S: ModelSetup>() -> Vec<ModelRow> {
        let place = DeviceChoice::default().find().unwrap();
        let setups = S::all("2,3,4,5".parse().unwrap()).into_iter();
        let rows = setups.map(|setup| {
            let mut other = ModelStep::new(setup.clone(), &place).unwrap();
            let row = ModelRow::measure(&setup, &place, &mut other, Some(2));
            row.unwrap().with_sgemm(Some(1.0))
        });
        rows.collect()
    }

    fn comparisons<S: ModelSetup>() -> Comparisons {
        Comparisons {
            command: "peers",
            meaning: "ours against itself",
            threads: 1,
            contenders: Vec::new(),
            rows: Vec::new(),
            means: Vec::new(),
            models: rows::<S>(),
        }
    }

    /// That each of these is a row of the table, the object and the picture.
    #[track_caller]
    fn check(comparisons: &Comparisons, models: &[(&str, &str)], layers: usize, symbols: f64) {
        let (table, svg) = (comparisons.table(), comparisons.svg().unwrap());
        for words in ["forward", "clipping", "optimiser", "10 steps"] {
            assert!(table.contains(words), "{words}: {table}");
        }
        assert!(!table.contains("means"), "{table}");
        let object = comparisons.json();
        assert_eq!(object["models"].as_array().unwrap().len(), models.len());
        for (index, (name, part)) in models.iter().enumerate() {
            assert!(table.contains(&format!("\n{name} ")), "{name}: {table}");
            assert!(table.contains(part), "{part}: {table}");
            assert!(svg.contains(&format!("{name} 2,3,4,5")), "{name}: {svg}");

            let model = &object["models"][index];
            assert_eq!(model["model"], *name);
            assert_eq!(model["hidden"], 5);
            assert_eq!(model["layers"], layers);
            assert_eq!(model["against"], "backdraft");
            assert_eq!(model["agreement"]["difference"], 0.0);
            let number = |field: &str| model[field].as_f64().unwrap();
            let rate = number("training_symbols_per_second") * number("training_ms");
            assert!((rate / 1e3 / symbols - 1.0).abs() < 1e-9, "{rate}");
            assert!(number("gflops") > 0.0);
            assert!(model["parts"]["backward_ms"].as_f64().unwrap() > 0.0);
        }
    }

    #[test]
    fn a_language_model_is_a_row_of_the_table_the_object_and_the_picture() {
        let models = [("language-model", "2 LSTMs, softmax over 100 symbols")];
        check(&comparisons::<LanguageModelSetup>(), &models, 2, 6.0);
    }

    #[test]
    fn translators_are_rows_of_the_table_the_object_and_the_picture() {
        let models = [
            ("translator-additive", "additive attention"),
            ("translator-general", "general attention"),
        ];
        check(&comparisons::<TranslatorSetup>(), &models, 1, 6.0);
    }

    #[test]
    fn a_tagger_is_a_row_of_the_table_the_object_and_the_picture() {
        let comparisons = comparisons::<TaggerSetup>();
        let models = [("tagger", "conditional random field over 20 tags")];
        let setup = TaggerSetup::all("2,3,4,5".parse().unwrap())[0];
        let batches = setup.batches(&Device::default());
        let words = batches.iter().map(|batch| batch.input.lengths.total());
        // Of 2 sentences of up to 3 words.
        let words = words.sum::<usize>() as f64 / batches.len() as f64;
        assert!(words < 6.0, "{words}");
        check(&comparisons, &models, 1, words);
        assert_eq!(comparisons.json()["models"][0]["vocabulary"], 10_000);
    }
}
