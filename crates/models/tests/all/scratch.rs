use backdraft_cells::Lengths;
use backdraft_models::baselines::NGramConfig;
use backdraft_models::{CtcDecoding, CtcLoss, Lexicon, PrefixBeam, ctc_loss};
use burn::nn::loss::CTCLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use std::collections::BTreeMap;
use std::time::Instant;

fn scores(row: usize, at: usize) -> f32 {
    (1.5 * ((row * 29 + at * 13) as f64).sin()) as f32
}

fn theirs(log_p: Tensor<3>, lengths: &[usize], targets: &[Vec<u32>], zero: bool) -> Tensor<1> {
    let device = log_p.device();
    let longest = targets.iter().map(Vec::len).max().unwrap().max(1);
    let padded: Vec<i64> = targets
        .iter()
        .flat_map(|t| {
            let mut t: Vec<i64> = t.iter().map(|x| *x as i64).collect();
            t.resize(longest, 0);
            t
        })
        .collect();
    let n = targets.len();
    let tg = Tensor::<2, Int>::from_data(TensorData::new(padded, [n, longest]), &device);
    let il = Tensor::<1, Int>::from_data(
        TensorData::new(lengths.iter().map(|x| *x as i64).collect::<Vec<_>>(), [n]),
        &device,
    );
    let tl = Tensor::<1, Int>::from_data(
        TensorData::new(
            targets.iter().map(|x| x.len() as i64).collect::<Vec<_>>(),
            [n],
        ),
        &device,
    );
    CTCLossConfig::new()
        .with_zero_infinity(zero)
        .init()
        .forward(log_p.swap_dims(0, 1), tg, il, tl)
}

#[test]
#[ignore]
fn correct() {
    let all: serde_json::Value = serde_json::from_str(include_str!("ctc/pytorch.json")).unwrap();
    let device = Device::flex().autodiff();
    for case in all.as_array().unwrap() {
        let u = |k: &str| case[k].as_u64().unwrap() as usize;
        let (time, symbols) = (u("time"), u("symbols"));
        let lengths: Vec<usize> = case["lengths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_u64().unwrap() as usize)
            .collect();
        let targets: Vec<Vec<u32>> = case["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| {
                t.as_array()
                    .unwrap()
                    .iter()
                    .map(|x| x.as_u64().unwrap() as u32)
                    .collect()
            })
            .collect();
        let expected: Vec<f64> = case["losses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap_or(f64::INFINITY))
            .collect();
        let gradient: Vec<f64> = case["gradient"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect();
        for zero in [false, true] {
            let n = lengths.len();
            let v: Vec<f32> = (0..n)
                .flat_map(|r| (0..time * symbols).map(move |at| scores(r, at)))
                .collect();
            let logits = Tensor::<3>::from_data(TensorData::new(v, [n, time, symbols]), &device)
                .require_grad();
            let log_p = log_softmax(logits.clone(), 2);
            let t = targets.clone();
            let l = lengths.clone();
            let got = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let loss = theirs(log_p, &l, &t, zero);
                let f: Vec<f32> = (1..=n).map(|x| x as f32).collect();
                let g = (loss.clone() * Tensor::<1>::from_data(TensorData::new(f, [n]), &device))
                    .sum()
                    .backward();
                (
                    loss.to_data().iter::<f64>().collect::<Vec<_>>(),
                    logits
                        .grad(&g)
                        .unwrap()
                        .to_data()
                        .iter::<f64>()
                        .collect::<Vec<_>>(),
                )
            }));
            match got {
                Err(_) => println!("zero {zero}: panic"),
                Ok((loss, g)) => {
                    println!("zero {zero} loss {loss:?}\n expected {expected:?}");
                    for r in 0..n {
                        let a = r * time * symbols..(r + 1) * time * symbols;
                        let d = g[a.clone()]
                            .iter()
                            .zip(&gradient[a.clone()])
                            .map(|(x, y)| (x - y).abs())
                            .fold(
                                0.0,
                                |m: f64, d| if d.is_nan() { f64::NAN } else { m.max(d) },
                            );
                        println!(
                            "  row {r} max gradient difference {d} nan {}",
                            g[a].iter().filter(|x| x.is_nan()).count()
                        );
                    }
                }
            }
        }
    }
    for (steps, symbols, target) in [
        (4usize, 3usize, vec![1u32, 2, 2]),
        (4, 3, vec![1, 2]),
        (3, 2, vec![1]),
        (100, 30, (1..13).collect()),
    ] {
        for mine in [true, false] {
            let logits = Tensor::<3>::zeros([1, steps, symbols], &device).require_grad();
            let lp = log_softmax(logits.clone(), 2);
            let loss = if mine {
                ctc_loss(lp, &Lengths::new([steps]), &[target.clone()]).unwrap()
            } else {
                theirs(lp, &[steps], &[target.clone()], false)
            };
            let g = logits.grad(&loss.clone().sum().backward()).unwrap();
            let g: Vec<f64> = g.to_data().iter().collect();
            println!(
                "uniform mine {mine} {target:?} {} {:?}",
                loss.to_data(),
                &g[..symbols.min(13)]
            );
        }
    }
    let log_p: Vec<f32> = vec![
        0.5f32.ln(),
        0.5f32.ln(),
        f32::NEG_INFINITY,
        0.5f32.ln(),
        0.5f32.ln(),
        f32::NEG_INFINITY,
        f32::NEG_INFINITY,
        0.0,
        f32::NEG_INFINITY,
    ];
    for target in [vec![1u32], vec![2]] {
        for mine in [true, false] {
            let leaf = Tensor::<3>::from_data(TensorData::new(log_p.clone(), [1, 3, 3]), &device)
                .require_grad();
            let loss = if mine {
                ctc_loss(leaf.clone(), &Lengths::new([3]), &[target.clone()]).unwrap()
            } else {
                theirs(leaf.clone(), &[3], &[target.clone()], false)
            };
            let g = leaf.grad(&loss.clone().sum().backward()).unwrap();
            println!("mine {mine} {target:?} {} {}", loss.to_data(), g.to_data());
        }
    }
}

#[test]
#[ignore]
fn timed() {
    let device = Device::flex().autodiff();
    for [n, time, symbols, s] in [[32, 100, 30, 12], [16, 400, 60, 40]] {
        let v: Vec<f32> = (0..n)
            .flat_map(|r| (0..time * symbols).map(move |at| scores(r, at)))
            .collect();
        let targets: Vec<Vec<u32>> = (0..n)
            .map(|r| {
                (0..s)
                    .map(|i| 1 + ((r * 7 + i * i * 5 + i / 3) % (symbols - 1)) as u32)
                    .collect()
            })
            .collect();
        let lengths: Vec<usize> = (0..n).map(|r| time - (r % 5) * time / 20).collect();
        let logits =
            Tensor::<3>::from_data(TensorData::new(v, [n, time, symbols]), &device).require_grad();
        let mut best = [f64::INFINITY; 6];
        let mut out = vec![];
        for round in 0..7 {
            for which in 0..2 {
                let start = Instant::now();
                let log_p = log_softmax(logits.clone(), 2);
                let loss = if which == 0 {
                    ctc_loss(log_p, &Lengths::new(lengths.clone()), &targets).unwrap()
                } else {
                    theirs(log_p, &lengths, &targets, false)
                };
                let l: f64 = loss.clone().sum().into_scalar::<f64>();
                let forward = start.elapsed().as_secs_f64();
                let g = logits.grad(&loss.sum().backward()).unwrap();
                let x: f64 = g.to_data().iter::<f64>().map(f64::abs).sum();
                let total = start.elapsed().as_secs_f64();
                best[which * 2] = best[which * 2].min(forward);
                best[which * 2 + 1] = best[which * 2 + 1].min(total);
                if round == 0 {
                    out.push((l, x));
                }
            }
            let start = Instant::now();
            let log_p = log_softmax(logits.clone(), 2);
            let g = logits.grad(&log_p.sum().backward()).unwrap();
            let _: f64 = g.to_data().iter::<f64>().map(f64::abs).sum();
            best[4] = best[4].min(start.elapsed().as_secs_f64());
        }
        println!(
            "[{n}, {time}, {symbols}, {s}] ours {:.2} ms forward {:.2} ms both; burn-nn {:.2} {:.2}; softmax alone {:.2}; {out:?}",
            best[0] * 1e3,
            best[1] * 1e3,
            best[2] * 1e3,
            best[3] * 1e3,
            best[4] * 1e3
        );
    }
    let _ = CtcLoss::new();
}

fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    match low == f64::NEG_INFINITY {
        true => high,
        false => high + (low - high).exp().ln_1p(),
    }
}
fn old_beam(log_p: &[f64], symbols: usize, width: usize) -> Vec<u32> {
    let mut kept = vec![(Vec::<u32>::new(), [0.0, f64::NEG_INFINITY])];
    let never = [f64::NEG_INFINITY; 2];
    let total = |b: &[f64; 2]| log_add(b[0], b[1]);
    for log_p in log_p.chunks(symbols) {
        let mut next: BTreeMap<Vec<u32>, [f64; 2]> = BTreeMap::new();
        for (labels, was) in &kept {
            let same = next.entry(labels.clone()).or_insert(never);
            same[0] = log_add(same[0], total(was) + log_p[0]);
            let last = labels.last().copied();
            if let Some(last) = last {
                same[1] = log_add(same[1], was[1] + log_p[last as usize]);
            }
            for label in 1..symbols as u32 {
                let from = if last == Some(label) {
                    was[0]
                } else {
                    total(was)
                };
                let longer = [labels.as_slice(), &[label]].concat();
                let longer = next.entry(longer).or_insert(never);
                longer[1] = log_add(longer[1], from + log_p[label as usize]);
            }
        }
        kept = next.into_iter().collect();
        kept.sort_by(|(_, a), (_, b)| total(b).total_cmp(&total(a)));
        kept.truncate(width);
    }
    kept.into_iter()
        .next()
        .map(|(labels, _)| labels)
        .unwrap_or_default()
}

#[test]
#[ignore]
fn beams() {
    for (time, symbols, width) in [(100, 30, 8), (400, 60, 8), (400, 60, 64)] {
        let scale = [1.0, 4.0];
        for scale in scale {
            let log_p: Vec<f64> = (0..time)
                .flat_map(|t| {
                    let s: Vec<f64> = (0..symbols)
                        .map(|k| {
                            scale * scores(3, t * symbols + k) as f64
                                + if k == 0 && t % 4 != 0 { 3.0 } else { 0.0 }
                        })
                        .collect();
                    let z = s.iter().map(|x| x.exp()).sum::<f64>().ln();
                    s.into_iter().map(move |x| x - z).collect::<Vec<_>>()
                })
                .collect();
            let time_of = |f: &dyn Fn() -> Vec<u32>| {
                let mut best = f64::INFINITY;
                let mut r = vec![];
                for _ in 0..4 {
                    let s = Instant::now();
                    r = f();
                    best = best.min(s.elapsed().as_secs_f64());
                }
                (best * 1e3, r)
            };
            let (old, a) = time_of(&|| old_beam(&log_p, symbols, width));
            let (new, b) =
                time_of(&|| CtcDecoding::Beam { width }.labels(&log_p, symbols).unwrap());
            assert_eq!(a, b);
            let text: Vec<u32> = (0..5000usize)
                .map(|i| ((i * i * 7 + i / 3) % symbols) as u32)
                .collect();
            let lm = NGramConfig::new(symbols, 4).fit(&[text]).unwrap();
            let (fused, _) = time_of(&|| {
                PrefixBeam::new(width)
                    .with_model(&lm, 0.5)
                    .search(&log_p, symbols)
                    .unwrap()[0]
                    .labels
                    .clone()
            });
            let words: Vec<Vec<u32>> = (0..2000usize)
                .map(|i| {
                    (0..4)
                        .map(|j| 2 + ((i * 31 + j * j * 17 * i) % (symbols - 2)) as u32)
                        .collect()
                })
                .collect();
            let lx = Lexicon::new(&words, Some(1)).unwrap();
            let (lexed, _) = time_of(&|| {
                PrefixBeam::new(width)
                    .with_model(&lx, 1.0)
                    .search(&log_p, symbols)
                    .unwrap()
                    .first()
                    .map(|x| x.labels.clone())
                    .unwrap_or_default()
            });
            println!(
                "time {time} symbols {symbols} width {width} scale {scale} labels {}: old {old:.2} ms, new {new:.2} ms, with 4-grams {fused:.2} ms, lexicon {lexed:.2} ms",
                a.len()
            );
        }
    }
}
