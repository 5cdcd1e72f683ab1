//! Medians, ratios and means, against numbers worked out by hand.

use backdraft_bench::statistics::{geometric_mean, median, pairwise_ratios, quartiles};
use backdraft_bench::{BenchError, CellKind, Comparison, Contender, Shape, Work, alternate};

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[7.0]), 7.0);
    assert_eq!(median(&[9.0, 1.0, 4.0]), 4.0);
    // An even number: half way between the two in the middle.
    assert_eq!(median(&[100.0, 1.0, 4.0, 2.0]), 3.0);
    // One slow turn moves nothing.
    assert_eq!(median(&[2.0, 2.0, 1e9, 2.0, 2.0]), 2.0);
}

#[test]
fn quartiles_hold_the_middle_half() {
    assert_eq!(quartiles(&[5.0]), [5.0, 5.0]);
    assert_eq!(quartiles(&[50.0, 10.0, 30.0, 20.0, 40.0]), [20.0, 40.0]);
    // Three quarters of the way from the first to the second, a quarter from the third on.
    assert_eq!(quartiles(&[1.0, 2.0, 3.0, 4.0]), [1.75, 3.25]);
}

#[test]
fn a_ratio_is_of_the_pair_and_above_one_when_ours_is_faster() {
    assert_eq!(pairwise_ratios(&[2.0, 4.0], &[6.0, 2.0]), [3.0, 0.5]);

    // The machine becomes ten times slower half way, for both alike: the ratio stays.
    let comparison = Comparison {
        ours: vec![1.0, 1.0, 10.0, 10.0],
        theirs: vec![3.0, 3.0, 30.0, 30.0],
    };
    assert_eq!(comparison.ratio(), 3.0);
    assert_eq!(comparison.ratio_quartiles(), [3.0, 3.0]);
    assert_eq!((comparison.ms(), comparison.against_ms()), (5.5, 16.5));
    assert_eq!(comparison.pairs(), 4);

    // The median of 4, 1 and 2, where the ratio of the medians would be 4 / 1.
    let comparison = Comparison {
        ours: vec![1.0, 8.0, 1.0],
        theirs: vec![4.0, 8.0, 2.0],
    };
    assert_eq!(comparison.ratio(), 2.0);
    assert_eq!(comparison.ratio_quartiles(), [1.5, 3.0]);
}

#[test]
fn the_geometric_mean_is_the_root_of_the_product() {
    assert!((geometric_mean(&[2.0, 8.0]) - 4.0).abs() < 1e-12);
    assert!((geometric_mean(&[1.0, 3.0, 9.0]) - 3.0).abs() < 1e-12);
    // Twice as fast and half as fast is as fast.
    assert!((geometric_mean(&[2.0, 0.5]) - 1.0).abs() < 1e-12);
}

#[test]
fn operations_of_a_training_step() {
    // B 2, T 3, I 4, H 5: each of 6 symbols multiplies 9 numbers with 5 units of each gate, an
    // addition with each product, and backward is two such products.
    let shape: Shape = "2,3,4,5".parse().unwrap();
    assert_eq!(shape.symbols(), 6);
    let one_gate = 6.0 * 9.0 * 5.0 * 2.0 * 3.0;
    assert_eq!(shape.training_flops(CellKind::Elman), one_gate);
    assert_eq!(shape.training_flops(CellKind::Gru), 3.0 * one_gate);
    assert_eq!(shape.training_flops(CellKind::Lstm), 4.0 * one_gate);
}

/// Takes as many milliseconds as it says, one more each time, without taking them.
struct Scripted {
    next: f64,
    runs: Vec<(Work, usize)>,
}

impl Contender for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn description(&self) -> &str {
        "a script"
    }

    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError> {
        self.runs.push((work, times));
        self.next += 1.0;
        Ok(vec![self.next; times])
    }
}

#[test]
fn contenders_take_turns_after_warming_up() {
    let mut one = Scripted {
        next: 298.0,
        runs: Vec::new(),
    };
    let mut two = Scripted {
        next: 398.0,
        runs: Vec::new(),
    };
    let comparison = alternate(&mut one, &mut two, Work::Training, Some(3)).unwrap();
    // The first two runs warm up.
    assert_eq!(comparison.ours, [301.0, 302.0, 303.0]);
    assert_eq!(comparison.theirs, [401.0, 402.0, 403.0]);
    assert_eq!(one.runs, [(Work::Training, 1); 5]);

    // What takes 2 ms is run a hundred times in a turn of 200 ms.
    one.next = 0.0;
    one.runs.clear();
    alternate(&mut one, &mut two, Work::Forward, Some(2)).unwrap();
    let times: Vec<_> = one.runs.iter().map(|(_, times)| *times).collect();
    assert_eq!(times, [1, 1, 100, 100]);
}

#[test]
fn how_often_depends_on_how_long() {
    let pairs = |milliseconds: f64| {
        let contender = || Scripted {
            next: milliseconds,
            runs: Vec::new(),
        };
        let (mut one, mut two) = (contender(), contender());
        alternate(&mut one, &mut two, Work::Forward, None)
            .unwrap()
            .pairs()
    };
    assert_eq!(pairs(108.0), 25); // at most
    assert_eq!(pairs(18.0), 20); // 8 s, of twice ten runs of 20 ms
    assert_eq!(pairs(298.0), 13); // 8 s, of twice one run of 300 ms
    assert_eq!(pairs(60_000.0), 5); // at least
}
