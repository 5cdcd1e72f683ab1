//! The search with what is known of labels, against the score of every labeling there is.

use std::collections::BTreeMap;

use backdraft_models::baselines::{NGram, NGramConfig};
use backdraft_models::{LabelModel, PrefixBeam, WordList};

use super::{close, every_reading, log_softmax_of, scores};

const STEPS: usize = 5;

/// `ln p` of all labels and the end.
fn told_by<M: LabelModel>(model: &M, labels: &[u32]) -> f64 {
    let (mut state, mut sum) = (model.start(), 0.0);
    for &label in labels {
        let (log_p, next) = model.advance(&state, label);
        (state, sum) = (next, sum + log_p);
    }
    sum + model.end(&state)
}

/// Trigrams of the labels 1 and 2, with 0 for the end.
fn n_gram() -> NGram {
    let said = [
        vec![2, 1, 2, 0],
        vec![2, 2, 1, 0],
        vec![1, 2, 1, 2, 0],
        vec![2, 1, 0],
    ];
    NGramConfig::new(3, 3).fit(&said).unwrap()
}

/// Checks a search that keeps all against all labelings; how often the best is not the likeliest alone.
fn is_as_all_labelings_have_it<M: LabelModel + Clone>(
    model: &M,
    symbols: usize,
    weight: f64,
    bonus: f64,
) -> usize {
    let mut moved = 0;
    for row in 0..15 {
        let log_p = log_softmax_of(&scores(row, STEPS, symbols), symbols);
        let readings: BTreeMap<Vec<u32>, f64> = every_reading(&log_p, symbols);
        let score = |labels: &[u32], p: f64| {
            let told = told_by(model, labels);
            let told = if told == f64::NEG_INFINITY {
                told
            } else {
                weight * told
            };
            p.ln() + told + bonus * labels.len() as f64
        };
        let all = readings
            .iter()
            .map(|(labels, p)| (labels, score(labels, *p)));
        let mut all: Vec<_> = all.filter(|(_, score)| score.is_finite()).collect();
        all.sort_by(|(_, a), (_, b)| b.total_cmp(a));

        let width = readings.len();
        let beam = PrefixBeam::new(width)
            .with_best(width)
            .with_bonus(bonus)
            .with_model(model, weight);
        let found = beam.search(&log_p, symbols).unwrap();
        assert_eq!(found.len(), all.len());
        for (found, (labels, score)) in found.iter().zip(&all) {
            assert_eq!(&&found.labels, labels);
            close(found.score, *score, 1e-9);
            close(found.log_p, readings[*labels].ln(), 1e-9);
        }
        let likeliest = readings
            .iter()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap();
        moved += usize::from(likeliest.0 != all[0].0);
    }
    moved
}

#[test]
fn a_wide_beam_finds_the_best_of_all_labelings_by_n_grams() {
    let model = n_gram();
    assert_eq!(is_as_all_labelings_have_it(&model, 3, 0.0, 0.0), 0);
    assert!(is_as_all_labelings_have_it(&model, 3, 1.5, 0.0) > 3);
    assert!(is_as_all_labelings_have_it(&model, 3, 0.7, 2.0) > 3);
    assert!(is_as_all_labelings_have_it(&model, 3, 0.0, -1.0) > 3);
}

#[test]
fn a_wide_beam_finds_the_best_of_all_words() {
    let words = WordList::new(&[vec![1, 2], vec![1], vec![2, 2]], None).unwrap();
    is_as_all_labelings_have_it(&words, 3, 1.0, 0.0);
    let words = WordList::new(&[vec![1, 2], vec![1], vec![2, 2]], Some(3)).unwrap();
    is_as_all_labelings_have_it(&words, 4, 0.0, 0.5);
    // Both at once.
    let words = WordList::new(&[vec![1, 2, 1], vec![2, 1], vec![]], None).unwrap();
    is_as_all_labelings_have_it(&(words, n_gram()), 3, 2.0, 1.0);
}

#[test]
fn n_grams_tell_of_labels_and_of_the_end() {
    let model = n_gram();
    let nats: f64 = model.nats(&[2, 1, 2, 0]).unwrap().iter().sum();
    close(told_by(&model, &[2, 1, 2]), -nats, 1e-12);
    let wrong = PrefixBeam::new(2)
        .with_model(&model, 1.0)
        .search(&[0.0; 4], 4);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "PrefixBeam: NGram: vocabulary size: expected 4, the labels and the end in place of the blank, \
         found 3"
    );
}

#[test]
fn a_lexicon_has_words_and_separators_between() {
    let allowed = |words: &WordList, labels: &[u32]| told_by(words, labels) == 0.0;
    let words = [vec![1, 2], vec![1], vec![2, 2, 1]];
    let one = WordList::new(&words, None).unwrap();
    for labels in [&[1, 2][..], &[1], &[2, 2, 1]] {
        assert!(allowed(&one, labels));
    }
    for labels in [&[][..], &[2], &[2, 2], &[1, 2, 1], &[1, 1], &[3]] {
        assert!(!allowed(&one, labels), "{labels:?}");
    }
    let several = WordList::new(&words, Some(3)).unwrap();
    for labels in [&[1][..], &[1, 3, 1, 2], &[2, 2, 1, 3, 1, 3, 1]] {
        assert!(allowed(&several, labels));
    }
    for labels in [
        &[][..],
        &[3],
        &[1, 3],
        &[3, 1],
        &[1, 3, 3, 1],
        &[2, 3, 1],
        &[1, 1],
    ] {
        assert!(!allowed(&several, labels), "{labels:?}");
    }
    let silence = WordList::new(&[vec![], vec![1]], None).unwrap();
    assert!(allowed(&silence, &[]) && allowed(&silence, &[1]));
}

#[test]
fn only_words_come_out_whatever_the_scores() {
    let words = WordList::new(&[vec![1, 2], vec![3], vec![2, 1, 1]], Some(4)).unwrap();
    let hostile = [
        f64::NEG_INFINITY,
        f64::NAN,
        f64::INFINITY,
        0.0,
        700.0,
        -1e300,
    ];
    let mut found_some = 0;
    for row in 0..200_usize {
        let symbols = 5;
        let mut log_p = log_softmax_of(&scores(row, 9, symbols), symbols);
        if row % 2 == 1 {
            for (at, log_p) in log_p.iter_mut().enumerate() {
                let drawn = (at + 1) * (row + 7) * 2654435761 % 997;
                *log_p = *hostile.get(drawn % 20).unwrap_or(log_p);
            }
        }
        for width in [1, 2, 7] {
            let beam = PrefixBeam::new(width)
                .with_best(width)
                .with_model(&words, 1.0);
            let found = beam.search(&log_p, symbols).unwrap();
            found_some += found.len();
            for found in found {
                assert_eq!(told_by(&words, &found.labels), 0.0, "{found:?}");
            }
        }
    }
    assert!(found_some > 200, "{found_some}");
}

#[test]
fn there_is_nothing_where_no_word_fits() {
    let words = WordList::new(&[vec![1, 1]], None).unwrap();
    let beam = PrefixBeam::new(9).with_model(&words, 1.0);
    // Two steps are too few for a label twice; three are enough.
    assert_eq!(beam.search(&[0.5_f64.ln(); 4], 2).unwrap(), []);
    let found = beam.search(&[0.5_f64.ln(); 6], 2).unwrap();
    assert_eq!(found[0].labels, [1, 1]);
    close(found[0].log_p, 0.125_f64.ln(), 1e-12);
}

#[test]
fn a_lexicon_that_makes_no_sense_is_refused() {
    let refused =
        |words: &[Vec<u32>], separator| WordList::new(words, separator).unwrap_err().to_string();
    assert_eq!(
        refused(&[], None),
        "WordList: words: expected at least 1, found 0"
    );
    assert_eq!(
        refused(&[vec![1], vec![2, 0]], None),
        "WordList: label of word 1: expected a label, found the blank"
    );
    assert!(refused(&[vec![2]], Some(2)).contains("found the separator"));
    assert!(refused(&[vec![2]], Some(0)).contains("separator: expected a label, found the blank"));
    let words = WordList::new(&[vec![1], vec![4]], None).unwrap();
    let beam = PrefixBeam::new(2).with_model(words, 1.0);
    assert_eq!(
        beam.search(&[0.0; 4], 4).unwrap_err().to_string(),
        "PrefixBeam: WordList: label: expected below 4, the number of symbols, found 4"
    );
}
