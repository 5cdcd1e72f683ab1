//! What was measured of a language model.

use serde::Serialize;

use super::{Agreement, LAYERS, VOCABULARY, training_flops};
use crate::report::table::digits;
use crate::{
    BenchError, CellKind, FoundDevice, LanguageModelContender, LanguageModelStep, Row, Shape,
};

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

/// Ours against another, in training a language model.
#[derive(Debug, Clone, Serialize)]
pub struct LanguageModelRow {
    /// The comparison; its training step is the whole one.
    #[serde(flatten)]
    pub row: Row,
    /// Layers.
    pub layers: usize,
    /// Symbols.
    pub vocabulary: usize,
    /// What our step is made of, measured apart: a device waits for each part's end.
    pub parts: Parts,
    /// That both compute the same.
    pub agreement: Agreement,
}

impl LanguageModelRow {
    /// As the arguments and the table name it.
    pub const NAME: &str = "language-model";

    /// Trains both from the same weights, sees that they learn the same, and compares them; ours
    /// runs on `place`.
    ///
    /// # Errors
    ///
    /// When either cannot run, or their losses differ.
    pub fn measure(
        shape: Shape,
        place: &FoundDevice,
        theirs: &mut dyn LanguageModelContender,
        pairs: Option<usize>,
    ) -> Result<Self, BenchError> {
        let mut ours = LanguageModelStep::new(shape, place)?;
        theirs.copy(&ours)?;
        let agreement = Agreement::measure(&mut ours, theirs)?;
        let against = theirs.name().to_string();
        let row = Row::measure(
            (CellKind::Lstm, shape),
            place.name,
            &mut ours,
            theirs,
            &against,
            pairs,
        )?;
        Ok(Self {
            row,
            layers: LAYERS,
            vocabulary: VOCABULARY,
            parts: ours.parts()?,
            agreement,
        })
    }

    /// Adds how near our training step comes to what the processor can do at best.
    #[must_use]
    pub fn with_sgemm(mut self, sgemm_gflops: Option<f64>) -> Self {
        let flops = training_flops(self.row.shape);
        self.row = self.row.with_rate(flops, sgemm_gflops);
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
            "{} {}: embedding, {} LSTMs, softmax over {} symbols, clipping, Adam\n\
             our step: {}\n\
             the losses of {} steps from the same weights differ by {:.1e} nats at most\n",
            Self::NAME,
            self.row.shape,
            self.layers,
            self.vocabulary,
            parts.join(", "),
            self.agreement.losses.len(),
            self.agreement.difference
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Comparisons, DeviceChoice, Report};

    /// Ours against itself.
    fn row() -> LanguageModelRow {
        let place = DeviceChoice::default().find().unwrap();
        let shape = "2,3,4,5".parse().unwrap();
        let mut other = LanguageModelStep::new(shape, &place).unwrap();
        let row = LanguageModelRow::measure(shape, &place, &mut other, Some(2));
        row.unwrap().with_sgemm(Some(1.0))
    }

    #[test]
    fn a_language_model_is_a_row_of_the_table_the_object_and_the_picture() {
        let comparisons = Comparisons {
            command: "peers",
            meaning: "ours against itself",
            threads: 1,
            contenders: Vec::new(),
            rows: Vec::new(),
            means: Vec::new(),
            language_models: vec![row()],
        };
        let table = comparisons.table();
        for words in [
            "\nlanguage-model",
            "forward",
            "clipping",
            "optimiser",
            "10 steps",
        ] {
            assert!(table.contains(words), "{words}: {table}");
        }
        assert!(!table.contains("means"), "{table}");
        assert!(
            comparisons
                .svg()
                .unwrap()
                .contains("language-model 2,3,4,5")
        );

        let model = &comparisons.json()["language_models"][0];
        assert_eq!((&model["hidden"], &model["layers"]), (&5.into(), &2.into()));
        assert_eq!(model["against"], "backdraft");
        assert_eq!(model["agreement"]["difference"], 0.0);
        let number = |field: &str| model[field].as_f64().unwrap();
        // 2 rows of 3 steps.
        let rate = number("training_symbols_per_second") * number("training_ms");
        assert!((rate / 6e3 - 1.0).abs() < 1e-9);
        assert!(number("gflops") > 0.0 && model["parts"]["backward_ms"].as_f64().unwrap() > 0.0);
    }
}
