//! Models learned of data whose states are known.

use backdraft_models::baselines::hidden_markov::{Categorical, CountSmoothing, Hmm};

use super::assert_close;
use super::models::{STATES, SYMBOLS, categorical};

#[test]
fn tags_are_learned_by_counting() {
    let tagged = [
        (vec![Some(0), Some(1), None], vec![0, 1, 1]),
        (vec![Some(0), Some(2)], vec![0, 1]),
        (vec![], vec![]),
    ];
    let smoothing = CountSmoothing {
        transitions: 0.5,
        symbols: 0.1,
    };
    let model = Hmm::fit_tagged([3, 4], &tagged, smoothing).unwrap();
    let expected = [2.5 / 3.5, 0.5 / 3.5, 0.5 / 3.5];
    assert_close(model.start(), &expected, 1e-12, "pi");
    let expected = [
        [0.5, 2.5, 0.5].map(|n| n / 3.5),
        [0.5, 1.5, 0.5].map(|n| n / 2.5),
        [1.0 / 3.0; 3],
    ];
    assert_close(
        &model.transitions().concat(),
        &expected.concat(),
        1e-12,
        "A",
    );
    let expected = [
        [2.1, 0.1, 0.1, 0.1].map(|n| n / 2.4),
        [0.1, 1.1, 1.1, 0.1].map(|n| n / 2.4),
        [0.25; 4],
    ];
    let found = model.emission().probabilities().concat();
    assert_close(&found, &expected.concat(), 1e-12, "B");

    // Without smoothing, what was not seen cannot be, and a tag that was not seen knows nothing.
    let none = CountSmoothing {
        transitions: 0.0,
        symbols: 0.0,
    };
    let model = Hmm::fit_tagged([3, 4], &tagged, none).unwrap();
    assert_eq!(model.start(), [1.0, 0.0, 0.0]);
    assert_eq!(model.emission().probabilities()[2], [0.25; 4]);
}

#[test]
fn a_tagger_tags_as_well_as_the_model_that_wrote() {
    let truth = categorical(8);
    let write = |seeds: std::ops::Range<u64>| -> Vec<(Vec<Option<u32>>, Vec<usize>)> {
        let one = |seed| {
            let (tags, words) = truth.sample(30, seed);
            (words, tags)
        };
        seeds.map(one).collect()
    };
    let model =
        Hmm::fit_tagged([STATES, SYMBOLS], &write(0..500), CountSmoothing::default()).unwrap();
    let right = |model: &Hmm<Categorical>| -> usize {
        let of = |(words, tags): &(Vec<Option<u32>>, Vec<usize>)| {
            let found = model.viterbi(words).unwrap().states;
            found.iter().zip(tags).filter(|(a, b)| a == b).count()
        };
        write(1000..1200).iter().map(of).sum()
    };
    let (found, best) = (right(&model), right(&truth));
    assert!(
        found > 6000 / STATES && found + 100 > best,
        "{found} of {best}"
    );
}
