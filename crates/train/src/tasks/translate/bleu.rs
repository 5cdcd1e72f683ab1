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

    /// What was written, and what is right.
    const SENTENCES: [(&str, &str); 10] = [
        ("the cat sat on the mat", "the cat sat on the mat"),
        ("a cat sat on mat", "the cat sat on the mat today"),
        ("", "nothing was heard of it"),
        ("he said that that is so", "he said that is so"),
        ("one two two three four", "one two three four five"),
        ("ships at see", "ships at sea"),
        ("naïve façade", "naive facade"),
        ("wholly unlike anything said", "words that do not come back"),
        ("it is what it is", "is it what it was"),
        ("no yes no yes no", "yes no yes no"),
    ];

    #[test]
    fn of_sentences_it_is_what_sacrebleu_says() {
        // Of `written, right = zip(*SENTENCES)`, by sacrebleu 2.6.0:
        //
        //     sacrebleu.corpus_bleu(written, [right], tokenize="none", smooth_method="none").score
        //     sacrebleu.corpus_bleu(written[:4], [right[:4]], tokenize="none", smooth_method="none").score
        //     sacrebleu.corpus_bleu(written[4:], [right[4:]], tokenize="none", smooth_method="none").score
        let of_all = 39.601973301064504;
        let of_first_four = 44.81057297067288;
        let of_rest = 29.754212319508962;
        let mut known: Vec<&str> = Vec::new();
        let mut numbers = |text: &'static str| -> Vec<u32> {
            let number = |word: &'static str| {
                let place = known.iter().position(|other| *other == word);
                place.unwrap_or_else(|| {
                    known.push(word);
                    known.len() - 1
                }) as u32
            };
            text.split(' ')
                .filter(|word| !word.is_empty())
                .map(number)
                .collect()
        };
        let both = |(written, right)| (numbers(written), numbers(right));
        let (written, right): (Vec<_>, Vec<_>) = SENTENCES.into_iter().map(both).unzip();
        for (range, expected) in [(0..10, of_all), (0..4, of_first_four), (4..10, of_rest)] {
            let found = bleu(&written[range.clone()], &right[range.clone()]).unwrap();
            assert!(
                (found - expected).abs() < 1e-9,
                "{range:?}: {found} against {expected}"
            );
        }
    }
}
