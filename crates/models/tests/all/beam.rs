//! Beam search over a model that is a table, against all sequences there are.

use backdraft_models::{BeamSearch, Error, Hypothesis};
use burn::tensor::{Device, Tensor, TensorData};

use crate::support::{cpus, devices};

/// Symbols and the end, which is the last.
const SYMBOLS: usize = 3;
const END: u32 = 2;
const START: u32 = 9;
/// What has been read is told by a number below this.
const MEMORY: u32 = 97;

fn after(memory: u32, symbol: u32) -> u32 {
    (memory * 5 + symbol * 31 + 7) % MEMORY
}

/// `ln p` of what comes next; the higher `peak`, the more certain.
fn log_p(memory: u32, peak: f64) -> [f64; SYMBOLS] {
    let score = |symbol: usize| peak * (memory as f64 * 1.3 + symbol as f64 * 2.1).sin();
    let scores: [f64; SYMBOLS] = std::array::from_fn(score);
    let total = scores.iter().map(|score| score.exp()).sum::<f64>().ln();
    scores.map(|score| score - total)
}

/// What a search finds for sources that begin with these memories, and how many steps it took.
fn search(
    settings: &BeamSearch,
    memories: &[u32],
    end: Option<u32>,
    peak: f64,
    device: &Device,
) -> (Vec<Vec<Hypothesis>>, usize) {
    let begin: Vec<f32> = memories.iter().map(|&memory| memory as f32).collect();
    let begin = Tensor::<2>::from_data(TensorData::new(begin, [memories.len(), 1]), device);
    let mut steps = 0;
    let found = settings.search(memories.len(), begin, START, end, |rows, state| {
        steps += 1;
        let count = rows.symbols.len();
        assert_eq!(count, rows.sources.len() * rows.width);
        let before: Vec<f64> = state.into_data().iter().collect();
        let memories = before.iter().zip(&rows.symbols);
        let memories: Vec<u32> = memories
            .map(|(memory, symbol)| after(*memory as u32, *symbol))
            .collect();
        let next = memories.iter().flat_map(|memory| log_p(*memory, peak));
        let next: Vec<f32> = next.map(|log_p| log_p as f32).collect();
        let memories: Vec<f32> = memories.into_iter().map(|memory| memory as f32).collect();
        Ok((
            Tensor::from_data(TensorData::new(next, [count, SYMBOLS]), device),
            Tensor::from_data(TensorData::new(memories, [count, 1]), device),
        ))
    });
    (found.unwrap(), steps)
}

/// All sequences of at most `limit` symbols, the best first.
fn all(settings: &BeamSearch, memory: u32, end: Option<u32>, peak: f64) -> Vec<(f64, Vec<u32>)> {
    let mut open = vec![(0.0, Vec::new(), after(memory, START))];
    let mut complete = Vec::new();
    for length in 0..=settings.limit {
        let mut longer = Vec::new();
        for (sum, symbols, memory) in open {
            if end.is_none() && length == settings.limit {
                complete.push((sum, symbols));
                continue;
            }
            for (symbol, log_p) in (0..).zip(log_p(memory, peak)) {
                if Some(symbol) == end {
                    complete.push((sum + log_p, symbols.clone()));
                } else {
                    let symbols = [&symbols[..], &[symbol]].concat();
                    longer.push((sum + log_p, symbols, after(memory, symbol)));
                }
            }
        }
        open = longer;
    }
    let alpha = settings.length_penalty;
    let mut scored: Vec<(f64, Vec<u32>)> = complete
        .into_iter()
        .map(|(sum, symbols)| {
            let divisor = ((5.0 + symbols.len() as f64) / 6.0).powf(alpha);
            (sum / divisor, symbols)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
}

#[test]
fn a_beam_that_holds_everything_finds_the_best_of_all() {
    for device in cpus() {
        for (end, limit) in [(Some(END), 5), (None, 3)] {
            for alpha in [0.0, 0.6, 2.0] {
                let settings = BeamSearch::new(limit)
                    .with_width((0..=limit as u32).map(|length| 3usize.pow(length)).sum())
                    .with_length_penalty(alpha)
                    .with_best(6);
                let memories = [3, 40, 77];
                let (found, _) = search(&settings, &memories, end, 1.0, &device);
                for (found, memory) in found.iter().zip(memories) {
                    let expected = all(&settings, memory, end, 1.0);
                    assert_eq!(found.len(), 6);
                    for (found, (score, symbols)) in found.iter().zip(&expected) {
                        assert_eq!(&found.symbols, symbols, "alpha {alpha}");
                        assert!((found.score - score).abs() < 1e-5);
                        let divisor = ((5.0 + symbols.len() as f64) / 6.0).powf(alpha);
                        assert!((found.log_p - score * divisor).abs() < 1e-5);
                    }
                }
            }
        }
    }
}

#[test]
fn a_narrow_beam_finds_sequences_that_are_there_the_best_first() {
    let device = &cpus()[0];
    let settings = BeamSearch::new(6).with_width(3).with_best(3);
    let memories: Vec<u32> = (0..20).collect();
    let (found, _) = search(&settings, &memories, Some(END), 1.0, device);
    for (found, memory) in found.iter().zip(&memories) {
        let all = all(&settings, *memory, Some(END), 1.0);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        for found in found {
            let same = all.iter().find(|(_, symbols)| *symbols == found.symbols);
            assert!((same.unwrap().0 - found.score).abs() < 1e-5);
        }
    }
}

#[test]
fn a_wider_beam_never_finds_worse() {
    let device = &cpus()[0];
    let memories: Vec<u32> = (0..MEMORY).collect();
    for alpha in [0.0, 0.7, 2.0] {
        let scores = |width: usize| -> Vec<f64> {
            let settings = BeamSearch::new(6)
                .with_width(width)
                .with_length_penalty(alpha);
            let (found, _) = search(&settings, &memories, Some(END), 1.0, device);
            found.iter().map(|found| found[0].score).collect()
        };
        let mut narrow = scores(1);
        let greedy: f64 = narrow.iter().sum();
        for width in 2..12 {
            let wide = scores(width);
            for (wide, narrow) in wide.iter().zip(&narrow) {
                assert!(wide >= narrow, "width {width}: {wide} against {narrow}");
            }
            narrow = wide;
        }
        let best: f64 = narrow.iter().sum();
        assert!(best > greedy + 0.1, "{best} against {greedy}");
    }
}

#[test]
fn a_beam_of_one_is_greedy() {
    let device = &devices()[0];
    let settings = BeamSearch::new(7).with_width(1);
    let memories: Vec<u32> = (0..MEMORY).collect();
    let (found, _) = search(&settings, &memories, Some(END), 1.0, device);
    for (found, memory) in found.iter().zip(&memories) {
        let (mut memory, mut symbols, mut sum) = (after(*memory, START), Vec::new(), 0.0);
        loop {
            let next = log_p(memory, 1.0);
            let best = (0..SYMBOLS)
                .max_by(|a, b| next[*a].total_cmp(&next[*b]))
                .unwrap() as u32;
            let best = if symbols.len() == 7 { END } else { best };
            sum += next[best as usize];
            if best == END {
                break;
            }
            symbols.push(best);
            memory = after(memory, best);
        }
        assert_eq!(found[0].symbols, symbols);
        assert!((found[0].log_p - sum).abs() < 1e-5);
    }
}

#[test]
fn a_search_ends_when_nothing_open_can_win() {
    let device = &cpus()[0];
    // Of a certain model the best is short; the limit is far away.
    let settings = BeamSearch::new(1000).with_width(4);
    let certain = |memory: &u32| {
        let ends = |memory: u32| log_p(memory, 8.0)[END as usize] > -0.1;
        ends(after(*memory, START))
    };
    let memories: Vec<u32> = (0..MEMORY).filter(certain).take(5).collect();
    assert_eq!(memories.len(), 5);
    let (found, steps) = search(&settings, &memories, Some(END), 8.0, device);
    assert!(found.iter().all(|found| found[0].symbols.is_empty()));
    assert_eq!(steps, 1);
}

#[test]
fn what_is_no_number_is_never_taken() {
    let device = &cpus()[0];
    let begin = Tensor::<2>::zeros([1, 1], device);
    let found =
        BeamSearch::new(3)
            .with_best(2)
            .search(1, begin, START, Some(END), |rows, state| {
                let count = rows.symbols.len();
                let row = [f32::NAN, f32::NEG_INFINITY, -0.5];
                let log_p = TensorData::new(row.repeat(count), [count, SYMBOLS]);
                Ok((Tensor::from_data(log_p, device), state))
            });
    let found = found.unwrap();
    assert_eq!(found[0].len(), 1, "there is only one sequence");
    assert_eq!(found[0][0].symbols, [0; 0]);
}

#[test]
fn infinity_is_certain() {
    let device = &cpus()[0];
    let begin = Tensor::<2>::zeros([1, 1], device);
    let search = BeamSearch::new(3).with_width(3).with_best(3);
    let found = search.search(1, begin, START, Some(END), |rows, state| {
        let count = rows.symbols.len();
        let row = [-1.0, f32::INFINITY, -2.0];
        let log_p = TensorData::new(row.repeat(count), [count, SYMBOLS]);
        Ok((Tensor::from_data(log_p, device), state))
    });
    let found = found.unwrap();
    let best = found[0]
        .iter()
        .map(|found| (&found.symbols[..], found.log_p));
    let best: Vec<(&[u32], f64)> = best.collect();
    let expected: [(&[u32], f64); 3] = [(&[], -2.0), (&[1, 1, 1], -2.0), (&[1, 1, 0], -3.0)];
    assert_eq!(best, expected);
}

#[test]
fn impossible_settings_are_refused() {
    let device = &cpus()[0];
    let message = |settings: BeamSearch| {
        let begin = Tensor::<2>::zeros([1, 1], device);
        let unreached = |_: &_, _| -> Result<_, Error> { unreachable!("settings come first") };
        let found = settings.search(1, begin, START, None, unreached);
        found.unwrap_err().to_string()
    };
    let settings = || BeamSearch::new(5);
    assert_eq!(
        message(BeamSearch::new(0)),
        "BeamSearch: limit: expected at least 1, found 0"
    );
    assert_eq!(
        message(settings().with_width(0)),
        "BeamSearch: width: expected at least 1, found 0"
    );
    assert_eq!(
        message(settings().with_best(6)),
        "BeamSearch: number of hypotheses wanted: expected at most 5, the width, found 6"
    );
    for alpha in [-0.1, f64::NAN, f64::INFINITY] {
        let told = message(settings().with_length_penalty(alpha));
        assert!(told.starts_with("BeamSearch: length penalty: expected a finite number"));
    }
}
