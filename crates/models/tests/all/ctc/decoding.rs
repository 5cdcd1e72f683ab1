//! What is decoded, against every path there is and against the search as its equations have it.

use std::collections::BTreeMap;

use backdraft_models::{CtcDecoding, Labeling, PrefixBeam};

use super::{close, every_reading, log_softmax_of, scores};

#[test]
fn a_wide_beam_finds_the_likeliest_labels_and_greedy_the_likeliest_path() {
    let symbols = 3;
    let mut differ = 0;
    for row in 0..30 {
        let log_p = log_softmax_of(&scores(row, 5, symbols), symbols);
        let readings = every_reading(&log_p, symbols);
        let best = readings
            .iter()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap()
            .0;
        let beam = CtcDecoding::Beam { width: 1000 }
            .labels(&log_p, symbols)
            .unwrap();
        assert_eq!(&beam, best);

        let mut path: Vec<usize> = log_p
            .chunks(symbols)
            .map(|p| (0..symbols).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap())
            .collect();
        path.dedup();
        path.retain(|&symbol| symbol != 0);
        let greedy = CtcDecoding::Greedy.labels(&log_p, symbols).unwrap();
        assert_eq!(greedy, path.iter().map(|&k| k as u32).collect::<Vec<_>>());
        differ += usize::from(greedy != beam);

        let narrow = CtcDecoding::Beam { width: 1 }
            .labels(&log_p, symbols)
            .unwrap();
        assert!(readings.contains_key(&narrow));
    }
    assert!(differ > 0, "some row tells the two apart");

    // No path is likelier than the one without labels, but more paths read as 1.
    let log_p = [0.6_f64, 0.4, 0.6, 0.4].map(f64::ln);
    assert_eq!(CtcDecoding::Greedy.labels(&log_p, 2).unwrap(), [0; 0]);
    assert_eq!(
        CtcDecoding::Beam { width: 2 }.labels(&log_p, 2).unwrap(),
        [1]
    );
}

/// The search as its equations have it, with each beginning written out: what it keeps at the end.
fn plain_beam(log_p: &[f64], symbols: usize, width: usize) -> Vec<(Vec<u32>, f64)> {
    let mut kept = vec![(Vec::new(), [1.0, 0.0])];
    for log_p in log_p.chunks(symbols) {
        let p: Vec<f64> = log_p.iter().map(|log_p| log_p.exp()).collect();
        let mut next: BTreeMap<Vec<u32>, [f64; 2]> = BTreeMap::new();
        for (labels, [blank, label]) in &kept {
            let total = blank + label;
            let last = labels.last().map(|last| *last as usize);
            let same = next.entry(labels.clone()).or_default();
            same[0] += p[0] * total;
            same[1] += last.map_or(0.0, |last| p[last] * label);
            for (k, p) in p.iter().enumerate().skip(1) {
                let longer = [labels.as_slice(), &[k as u32]].concat();
                let from = if last == Some(k) { *blank } else { total };
                next.entry(longer).or_default()[1] += p * from;
            }
        }
        kept = next.into_iter().collect();
        kept.sort_by(|(_, a), (_, b)| (b[0] + b[1]).total_cmp(&(a[0] + a[1])));
        kept.truncate(width);
    }
    kept.into_iter()
        .map(|(labels, [b, n])| (labels, (b + n).ln()))
        .collect()
}

#[test]
fn a_beam_of_any_width_keeps_what_the_equations_keep() {
    for (steps, symbols) in [(1, 4), (7, 3), (12, 5), (30, 4)] {
        for row in 0..20 {
            let log_p = log_softmax_of(&scores(row, steps, symbols), symbols);
            for width in [1, 2, 3, 5, 9, 40] {
                let expected = plain_beam(&log_p, symbols, width);
                let beam = PrefixBeam::new(width).with_best(width);
                let found = beam.search(&log_p, symbols).unwrap();
                assert_eq!(found.len(), expected.len());
                for (found, (labels, log_p)) in found.iter().zip(&expected) {
                    assert_eq!(&found.labels, labels);
                    close(found.log_p, *log_p, 1e-9);
                    assert_eq!(found.score, found.log_p);
                }
            }
        }
    }
}

#[test]
fn the_best_of_a_beam_that_keeps_all_are_all_readings() {
    for row in 0..10 {
        let (steps, symbols) = (5, 3);
        let log_p = log_softmax_of(&scores(row, steps, symbols), symbols);
        let readings = every_reading(&log_p, symbols);
        let mut best: Vec<(Vec<u32>, f64)> = readings.into_iter().collect();
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let decoding = CtcDecoding::Beam { width: best.len() };
        let found = decoding.best(&log_p, symbols, best.len()).unwrap();
        assert_eq!(found.len(), best.len());
        let total: f64 = found.iter().map(|found| found.log_p.exp()).sum();
        close(total, 1.0, 1e-12);
        for (found, (labels, p)) in found.iter().zip(&best) {
            assert_eq!(&found.labels, labels);
            close(found.log_p, p.ln(), 1e-9);
        }
        // Each wider beam that keeps all has the same best, and no narrower one has a likelier.
        let of = |width| {
            CtcDecoding::Beam { width }
                .best(&log_p, symbols, 1)
                .unwrap()[0]
                .clone()
        };
        for width in 1..2 * best.len() {
            let narrower = of(width).log_p;
            assert!(narrower <= found[0].log_p + 1e-12);
            if width >= best.len() {
                assert_eq!(of(width), found[0]);
            }
        }
    }
}

#[test]
fn a_label_that_is_held_is_one_and_after_a_blank_it_is_two() {
    // A A - A A
    let frame = |symbol: usize| [[0.9, 0.1], [0.1, 0.9]][symbol].map(f64::ln);
    let log_p: Vec<f64> = [1, 1, 0, 1, 1].into_iter().flat_map(frame).collect();
    for decoding in [
        CtcDecoding::Greedy,
        CtcDecoding::Beam { width: 1 },
        CtcDecoding::Beam { width: 8 },
    ] {
        assert_eq!(decoding.labels(&log_p, 2).unwrap(), [1, 1]);
    }
    let greedy = CtcDecoding::Greedy.best(&log_p, 2, 1).unwrap();
    close(greedy[0].log_p, 5.0 * 0.9_f64.ln(), 1e-12);
}

#[test]
fn what_is_as_likely_comes_in_the_order_of_a_dictionary() {
    // Two steps of three symbols, all as likely: nine paths, of which three read as 1 and three as 2.
    let log_p = [-(3.0_f64.ln()); 6];
    let found = PrefixBeam::new(9).with_best(9).search(&log_p, 3).unwrap();
    let labels: Vec<&[u32]> = found.iter().map(|found| &found.labels[..]).collect();
    let expected: [&[u32]; 5] = [&[1], &[2], &[], &[1, 2], &[2, 1]];
    assert_eq!(labels, expected);
}

#[test]
fn what_is_impossible_is_not_found() {
    let no = f64::NEG_INFINITY;
    let half = 0.5_f64.ln();
    for nothing in [no, f64::NAN] {
        // In the first step only 2, in the second 2 or the blank.
        let log_p = [nothing, nothing, 0.0, half, nothing, half];
        let found = PrefixBeam::new(5).with_best(5).search(&log_p, 3).unwrap();
        let labels = vec![2];
        let (log_p, score) = (0.0, 0.0);
        assert_eq!(
            found,
            [Labeling {
                labels,
                log_p,
                score
            }]
        );
        let beam = CtcDecoding::Beam { width: 3 };
        assert_eq!(beam.best(&[nothing; 6], 3, 2).unwrap(), []);
        assert_eq!(beam.labels(&[nothing; 6], 3).unwrap(), [0; 0]);
    }
    // No step reads as nothing.
    let found = PrefixBeam::new(2).search(&[], 3).unwrap();
    assert_eq!((found[0].labels.len(), found[0].log_p), (0, 0.0));
}

#[test]
fn searches_that_make_no_sense_are_refused() {
    let refused =
        |decoding: CtcDecoding, best| decoding.best(&[0.0; 4], 2, best).unwrap_err().to_string();
    let beam = |width| CtcDecoding::Beam { width };
    assert_eq!(
        refused(beam(3), 4),
        "PrefixBeam: number of labelings wanted: expected at most 3, the width of the beam, found 4"
    );
    assert!(refused(beam(0), 1).contains("width of the beam: expected at least 1, found 0"));
    assert!(refused(beam(3), 0).contains("labelings wanted: expected at least 1, found 0"));
    assert_eq!(
        refused(CtcDecoding::Greedy, 2),
        "CtcDecoding: number of labelings wanted: expected 1, as a greedy search finds one, found 2"
    );
    for decoding in [CtcDecoding::Greedy, beam(2)] {
        assert!(decoding.labels(&[0.0; 3], 2).is_err());
        assert!(decoding.labels(&[], 0).is_err());
    }
    let refused = |beam: PrefixBeam| beam.search(&[0.0; 4], 2).unwrap_err().to_string();
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(PrefixBeam::new(2).with_model((), weight)).contains("weight of the"));
    }
    assert!(refused(PrefixBeam::new(2).with_bonus(f64::NAN)).contains("bonus"));
}
