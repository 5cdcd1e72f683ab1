//! Which names were taken for which, as a picture.

use crate::Figure;
use crate::drawing::heat_map::HeatMap;

/// Names that the picture has room for.
const MOST: usize = 30;

/// Counts of what was right and what was told instead.
#[derive(Debug, Clone)]
pub(super) struct Confusion {
    names: Vec<String>,
    /// From a row's name to a column's.
    counts: Vec<u64>,
}

impl Confusion {
    pub(super) fn new(names: Vec<String>) -> Self {
        let counts = vec![0; names.len() * names.len()];
        Self { names, counts }
    }

    pub(super) fn add(&mut self, right: usize, told: usize) {
        self.counts[right * self.names.len() + told] += 1;
    }

    fn count(&self, right: usize, told: usize) -> u64 {
        self.counts[right * self.names.len() + told]
    }

    /// Those that were mistaken for others, or others for them.
    fn mistakes(&self, name: usize) -> u64 {
        let all = (0..self.names.len()).filter(|other| *other != name);
        all.map(|other| self.count(name, other) + self.count(other, name))
            .sum()
    }

    /// The names that are drawn, in their order: where there are too many, those with the most mistakes.
    fn drawn(&self) -> Vec<usize> {
        let mut names: Vec<usize> = (0..self.names.len()).collect();
        names.sort_by_key(|name| std::cmp::Reverse(self.mistakes(*name)));
        names.truncate(MOST);
        names.sort_unstable();
        names
    }

    /// The picture.
    pub(super) fn figure(&self) -> Figure {
        let drawn = self.drawn();
        let names: Vec<String> = drawn.iter().map(|name| self.names[*name].clone()).collect();
        let (mut values, mut told) = (Vec::new(), Vec::new());
        for &right in &drawn {
            let all: u64 = (0..self.names.len())
                .map(|name| self.count(right, name))
                .sum();
            for &name in &drawn {
                let count = self.count(right, name);
                values.push(count as f64 / all.max(1) as f64);
                told.push(match count {
                    0 => String::new(),
                    count => brief(count),
                });
            }
        }
        let title = match drawn.len() < self.names.len() {
            true => format!(
                "The {} of {} names with the most mistakes",
                drawn.len(),
                self.names.len()
            ),
            false => "What was taken for what".to_string(),
        };
        let map = HeatMap {
            title: &title,
            axes: ["right", "predicted"],
            rows: &names,
            columns: &names,
            values: &values,
            told: &told,
        };
        Figure::picture("confusion", map.svg())
    }
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
        let names: Vec<String> = (0..40).map(|name| format!("n{name}")).collect();
        let mut confusion = Confusion::new(names);
        for name in 0..40 {
            confusion.add(name, name);
        }
        for _ in 0..20_000 {
            confusion.add(39, 3);
        }
        let drawn = confusion.drawn();
        assert_eq!((drawn.len(), drawn.last()), (MOST, Some(&39)));
        assert!(drawn.contains(&3));
        let svg = confusion.figure().svg.unwrap();
        assert!(
            svg.contains(">20k<") && svg.contains("30 of 40 names"),
            "{svg}"
        );
    }
}
