//! Which classes were taken for which, as a picture.

use backdraft_models::ClassificationScores;

use crate::Picture;
use crate::drawing::heat_map::HeatMap;

/// Classes that the picture has room for.
const MOST: usize = 30;

/// The picture of what was counted.
pub(super) fn confusion(scores: &ClassificationScores) -> Picture {
    let all = scores.names().len();
    let drawn = drawn(scores);
    let names: Vec<String> = drawn
        .iter()
        .map(|&class| scores.names()[class].clone())
        .collect();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for &right in &drawn {
        let there: u64 = (0..all).map(|class| scores.count(right, class)).sum();
        for &predicted in &drawn {
            let count = scores.count(right, predicted);
            values.push(count as f64 / there.max(1) as f64);
            labels.push(match count {
                0 => String::new(),
                count => brief(count),
            });
        }
    }
    let title = match drawn.len() < all {
        true => format!(
            "The {} of {all} classes with the most mistakes",
            drawn.len()
        ),
        false => "What was taken for what".to_string(),
    };
    let map = HeatMap {
        title: &title,
        axes: ["right", "predicted"],
        rows: &names,
        columns: &names,
        values: &values,
        labels: &labels,
    };
    Picture::svg("confusion", map.svg())
}

/// The classes that are drawn, in their order: where there are too many, those with the most mistakes.
fn drawn(scores: &ClassificationScores) -> Vec<usize> {
    let all = scores.names().len();
    let mistakes = |class: usize| -> u64 {
        let others = (0..all).filter(|other| *other != class);
        others
            .map(|other| scores.count(class, other) + scores.count(other, class))
            .sum()
    };
    let mut classes: Vec<usize> = (0..all).collect();
    classes.sort_by_cached_key(|class| std::cmp::Reverse(mistakes(*class)));
    classes.truncate(MOST);
    classes.sort_unstable();
    classes
}

/// A count in four characters.
fn brief(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_with_the_most_mistakes_are_drawn() {
        let mut scores = ClassificationScores::new((0..40).map(|class| format!("n{class}")));
        for class in 0..40 {
            scores.add(class, class).unwrap();
        }
        for _ in 0..20_000 {
            scores.add(39, 3).unwrap();
        }
        let drawn = drawn(&scores);
        assert_eq!((drawn.len(), drawn.last()), (MOST, Some(&39)));
        assert!(drawn.contains(&3));
        let svg = confusion(&scores).svg.unwrap();
        assert!(
            svg.contains(">20k<") && svg.contains("30 of 40 classes"),
            "{svg}"
        );
    }
}
