//! Scores of classes, against numbers worked out by hand.

use backdraft_models::ClassificationScores;

fn scores() -> ClassificationScores {
    let mut scores = ClassificationScores::new(["cat", "dog", "newt", "none"]);
    // Right and told: 3 cats right, 1 cat for a dog, 2 dogs right, 2 dogs for cats, 1 newt for a cat.
    let counted = [(0, 0, 3), (0, 1, 1), (1, 1, 2), (1, 0, 2), (2, 0, 1)];
    for (right, told, times) in counted {
        for _ in 0..times {
            scores.add(right, told).unwrap();
        }
    }
    scores
}

#[test]
fn scores_are_those_of_the_counts() {
    let scores = scores();
    assert_eq!(scores.total(), 9);
    assert_eq!(scores.accuracy(), 5.0 / 9.0);
    assert_eq!((scores.precision(0), scores.recall(0)), (0.5, 0.75));
    assert!((scores.f1(0) - 0.6).abs() < 1e-12);
    assert!((scores.f1(1) - 4.0 / 7.0).abs() < 1e-12);
    assert_eq!(
        (scores.precision(2), scores.recall(2), scores.f1(2)),
        (0.0, 0.0, 0.0)
    );
    // A class that neither was there nor was told does not count.
    assert!((scores.macro_f1() - (0.6 + 4.0 / 7.0) / 3.0).abs() < 1e-12);
    assert_eq!(ClassificationScores::new(["a", "b"]).macro_f1(), 0.0);
}

#[test]
fn scores_display_themselves_as_a_table() {
    let expected = "\
class  precision  recall     F1   cat  dog  newt  none
cat        0.500   0.750  0.600     3    1     0     0
dog        0.667   0.500  0.571     2    2     0     0
newt       0.000   0.000  0.000     1    0     0     0
none       0.000   0.000  0.000     0    0     0     0
accuracy 0.556, macro F1 0.390";
    assert_eq!(scores().to_string(), expected);
}

#[test]
fn classes_that_are_none_are_refused() {
    let error = scores().add(0, 4).unwrap_err().to_string();
    assert_eq!(
        error,
        "ClassificationScores: told class: expected below 4, found 4"
    );
}
