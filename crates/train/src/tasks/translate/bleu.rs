//! How much of what was written stands in what is right, by burn-train's BLEU.
//!
//! ```text
//! BLEU-4 = 100 min(1, e^{1 - r / c}) (p_1 p_2 p_3 p_4)^{1/4}
//!
//! p_n    the part of the runs of n symbols that are in the right text, each as often as it is there
//! c, r   symbols written, symbols that are right
//! ```
//!
//! Of all texts together, as the paper has it: Papineni et al. 2002, "BLEU: a method for automatic
//! evaluation of machine translation". 0 where no run of four is right.

use backdraft_data::Padded;
use burn::data::dataloader::Progress;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::{BleuInput, BleuScore, Metric, MetricMetadata, Numeric};

/// BLEU of texts and of those that are right, row by row. Equal symbols are equal numbers.
pub(super) fn bleu(written: &[Vec<u32>], right: &[Vec<u32>]) -> Option<f64> {
    let longest = written.iter().chain(right).map(Vec::len).max()?;
    let most = written.iter().chain(right).flatten().max();
    // No symbol: what stands after the end of a text.
    let after = most.map_or(0, |most| most + 1);
    let tensor = |texts: &[Vec<u32>]| -> Tensor<2, Int> {
        let rows = texts.iter().map(|text| {
            let mut row = text.clone();
            // One more, so that the longest has an end, too.
            row.resize(longest + 1, after);
            row
        });
        Padded::of(&rows.collect::<Vec<_>>()).to_tensor(&Device::flex())
    };
    let mut metric = BleuScore::new().with_pad_token(after as usize);
    let input = BleuInput::new(tensor(written), tensor(right));
    let metadata = MetricMetadata {
        progress: Progress::new(1, 1, None),
        iteration: None,
        lr: None,
    };
    metric.update(&input, &metadata).ok()?;
    metric.value().map(|value| value.current())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_a_hundred_and_the_rest_as_the_formula_has_it() {
        let right = [vec![1, 2, 3, 4, 5], vec![6, 7]];
        assert!((bleu(&right, &right).unwrap() - 100.0).abs() < 1e-9);
        // Of 4 + 2 symbols 6 are right; of 3 + 1 pairs 4, of 2 triples 2, of 1 quadruple 1.
        let written = [vec![1, 2, 3, 4], vec![6, 7]];
        let brevity = (1.0_f64 - 7.0 / 6.0).exp();
        let found = bleu(&written, &right).unwrap();
        assert!((found - 100.0 * brevity).abs() < 1e-6, "{found}");
        // Of 5 symbols 4 are right, of 4 pairs 3, of 3 triples 2, of 2 quadruples 1.
        let found = bleu(&[vec![1, 2, 3, 4, 9]], &[vec![1, 2, 3, 4, 5]]).unwrap();
        let expected = 100.0 * (0.8_f64 * 0.75 * (2.0 / 3.0) * 0.5).powf(0.25);
        assert!((found - expected).abs() < 1e-6, "{found}");
        assert_eq!(bleu(&[vec![3, 2, 1]], &[vec![1, 2, 3]]), Some(0.0));
        assert_eq!(bleu(&[], &[]), None);
    }
}
