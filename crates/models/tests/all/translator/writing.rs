//! What a translator writes: the likeliest, a beam of the best, draws.

use super::*;

#[test]
fn what_is_written_has_the_probability_that_the_loss_gives_it() {
    for (device, model) in cpus().into_iter().flat_map(|device| {
        let models = both_models(&device);
        models.map(|model| (device.clone(), model))
    }) {
        let sources = some_sources();
        let (source, lengths) = batch(&sources, 77, &device);
        let greedy = model.translate(source.clone(), &lengths, 6).unwrap();
        let search = BeamSearch::new(6).with_width(1);
        let one = model.beam(source.clone(), &lengths, &search).unwrap();
        for (greedy, one) in greedy.iter().zip(&one) {
            assert_eq!(one[0].symbols, greedy.symbols);
            close(&[one[0].log_p], &[greedy.log_p]);
        }
        let search = BeamSearch::new(6)
            .with_width(5)
            .with_best(4)
            .with_length_penalty(0.7);
        let best = model.beam(source.clone(), &lengths, &search).unwrap();
        let drawn = model
            .sample(source, &lengths, 6, &Sampling::new(), 3)
            .unwrap();
        for (row, best) in best.iter().enumerate() {
            assert_eq!(best.len(), 4);
            assert!(best.windows(2).all(|pair| pair[0].score >= pair[1].score));
            for found in best.iter().chain([&drawn[row], &greedy[row]]) {
                let source = sources[row..=row].to_vec();
                let target = vec![found.symbols.clone()];
                let nats = loss(&model, &source, &target, &device).sum();
                close(&[-found.log_p], &floats(&nats));
            }
            // Of its own, a source has the same translations as beside others.
            let (source, lengths) = batch(&sources[row..=row], 0, &device);
            let alone = model.beam(source.clone(), &lengths, &search).unwrap();
            for (alone, best) in alone[0].iter().zip(best) {
                assert_eq!(alone.symbols, best.symbols);
            }
            let alone = model.translate(source, &lengths, 6).unwrap();
            assert_eq!(alone[0].symbols, greedy[row].symbols);
        }
    }
}

#[test]
fn a_wide_beam_finds_the_best_of_all_translations() {
    let device = &cpus()[0];
    let model = model(device);
    let (source, lengths) = batch(&[vec![2, 0, 4]], 0, device);
    let search = BeamSearch::new(3).with_width(1 + 4 + 16 + 64).with_best(10);
    let found = model.beam(source, &lengths, &search).unwrap();
    let mut all: Vec<Vec<u32>> = vec![Vec::new()];
    for longest in 0..3 {
        let longer: Vec<Vec<u32>> = all
            .iter()
            .filter(|symbols| symbols.len() == longest)
            .flat_map(|symbols| (0..TARGET as u32).map(|next| [&symbols[..], &[next]].concat()))
            .collect();
        all.extend(longer);
    }
    assert_eq!(all.len(), 1 + 4 + 16 + 64);
    let mut scored: Vec<(f64, Vec<u32>)> = all
        .into_iter()
        .map(|target| {
            let nats: f64 = by_steps(&model, &[2, 0, 4], &target, device).iter().sum();
            (-nats, target)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (found, (log_p, symbols)) in found[0].iter().zip(&scored) {
        assert_eq!(&found.symbols, symbols);
        close(&[found.log_p], &[*log_p]);
    }
}

#[test]
fn draws_depend_on_the_seed_alone() {
    let device = &cpus()[0];
    let model = model(device);
    let write = |rows: &[Vec<u32>], seed| -> Vec<Vec<u32>> {
        let (source, lengths) = batch(rows, 0, device);
        let sampling = Sampling::new().with_temperature(1.5);
        let drawn = model.sample(source, &lengths, 12, &sampling, seed).unwrap();
        drawn.into_iter().map(|drawn| drawn.symbols).collect()
    };
    let sources = some_sources();
    assert_eq!(write(&sources, 1), write(&sources, 1));
    assert_ne!(write(&sources, 1), write(&sources, 2));
    assert_eq!(write(&sources, 1)[..1], write(&sources[..1], 1));
    assert!(write(&sources, 1).iter().all(|drawn| drawn.len() <= 12));
}
