//! What a page shows of a classifier: which classes it takes for which, and the mistakes that surprise most.

use std::fmt::Write;

use backdraft_data::Place;
use backdraft_models::{Classifier, Encoder};

use super::{ClassExample, Classify, Prediction};
use crate::drawing::canvas::rgb;
use crate::drawing::html::escape;
use crate::tasks::confusion::confusion;
use crate::tasks::sequences::{Reading, Sequence};
use crate::{Picture, Section, TrainError};

/// Mistakes that are shown.
const SHOWN: usize = 10;
/// Units of a text that are shown, at most.
const UNITS: usize = 200;

/// Of an example whose class is known, what it is and what it was taken for.
struct Mistake<'a> {
    example: &'a ClassExample,
    right: usize,
    predicted: usize,
    p: Vec<f32>,
}

impl Classify {
    pub(super) fn sections(
        &self,
        model: &Classifier<Encoder>,
        examples: &[ClassExample],
        rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        let mut scores = self.blank_scores(examples);
        let mut mistakes = Vec::new();
        self.judge(model, examples, rows, |prediction| {
            let Prediction { at, p, class } = prediction;
            let example = &examples[at];
            let right = self.class(example);
            scores.add(right.unwrap_or(self.classes.len()), class)?;
            if let Some(right) = right.filter(|right| *right != class) {
                mistakes.push(Mistake {
                    example,
                    right,
                    predicted: class,
                    p,
                });
                mistakes.sort_by(|a, b| a.p[a.right].total_cmp(&b.p[b.right]));
                mistakes.truncate(SHOWN);
            }
            Ok(())
        })?;
        let shown = mistakes
            .iter()
            .enumerate()
            .map(|(place, mistake)| {
                let html = self.mistake(model, mistake)?;
                Ok(Picture::page(format!("mistake-{}", place + 1), html))
            })
            .collect::<Result<Vec<_>, TrainError>>()?;
        let about = match (&self.reading, &model.pool.query) {
            (Reading::Text { .. }, Some(_)) => {
                "The examples whose right class the model holds for the least likely. The darker a symbol, \
                 the more attention looks at it."
            }
            _ => "The examples whose right class the model holds for the least likely.",
        };
        Ok(vec![
            Section {
                title: "Classes that are taken for others".to_string(),
                about: "A row for each class: what its held-out examples were taken for."
                    .to_string(),
                pictures: vec![confusion(&scores)],
            },
            Section {
                title: "The most surprising mistakes".to_string(),
                about: about.to_string(),
                pictures: shown,
            },
        ])
    }

    fn mistake(
        &self,
        model: &Classifier<Encoder>,
        mistake: &Mistake<'_>,
    ) -> Result<String, TrainError> {
        let [right, predicted] = [mistake.right, mistake.predicted].map(|class| {
            let (name, p) = (escape(&self.classes[class]), mistake.p[class]);
            format!("<b>{name}</b> (p = {p:.4})")
        });
        let place = mistake.example.place.as_ref().map(Place::to_string);
        let mut html = format!(
            "<h3>{}</h3>\n<p>{right}, taken for {predicted}</p>\n",
            escape(&place.unwrap_or_default())
        );
        let (Reading::Text { reader, .. }, Sequence::Text { units, .. }) =
            (&self.reading, &mistake.example.sequence)
        else {
            let steps = mistake.example.sequence.len();
            writeln!(html, "<p>A sequence of {steps} vectors.</p>").expect("a string takes all");
            return Ok(html);
        };
        let device = model.output.weight.val().device();
        let (inputs, lengths) = self.reading.batch(&[&mistake.example.sequence], &device);
        let attention = model.attention(inputs, &lengths)?;
        let weights: Vec<f32> = attention.map_or_else(Vec::new, |weights| {
            weights.into_data().iter::<f32>().collect()
        });
        let greatest = weights.iter().copied().fold(0.0, f32::max);
        html.push_str("<pre class=t>");
        let shown = reader.shown(&units[..units.len().min(UNITS)]);
        for (at, text) in shown.iter().enumerate() {
            // Orange, as strong as the weight is beside the greatest.
            let strength = weights.get(at).map_or(0.0, |weight| weight / greatest);
            let colour = [230.0_f32, 120.0, 0.0].map(|part| 255.0 - (255.0 - part) * strength);
            let colour = rgb(colour.map(|part| part.round() as u8));
            let text = escape(text);
            write!(html, "<span style=\"background:{colour}\">{text}</span>")
                .expect("a string takes all");
        }
        let rest = if units.len() > UNITS { " .." } else { "" };
        writeln!(html, "{rest}</pre>").expect("a string takes all");
        Ok(html)
    }
}
