//! What a translator learns, with attention and without.

use super::*;

/// Strings of 4 to 12 of the target's symbols, and the same backwards.
fn reversals(count: usize, random: &mut StdRng) -> [Vec<Vec<u32>>; 2] {
    let string = |_| {
        let length = random.random_range(4..=12);
        (0..length)
            .map(|_| random.random_range(0..TARGET as u32))
            .collect()
    };
    let sources: Vec<Vec<u32>> = (0..count).map(string).collect();
    let backwards = |source: &Vec<u32>| source.iter().rev().copied().collect();
    let targets = sources.iter().map(backwards).collect();
    [sources, targets]
}

/// Learns to turn strings around: what the last loss was, and how many of 100 new strings it turns
/// around without an error.
fn learned(attention: Option<Score>, steps: usize, device: &Device) -> (f64, usize) {
    learned_by(config(8, 16, 1).with_attention(attention), steps, device)
}

fn learned_by(
    config: TranslatorConfig<Encoder, Decoder>,
    steps: usize,
    device: &Device,
) -> (f64, usize) {
    let device = device.clone().autodiff();
    device.seed(2);
    let mut model = config.init(&device).unwrap();
    let mut optimizer = AdamConfig::new().init();
    let mut random = StdRng::seed_from_u64(1);
    let mut last = 0.0;
    for step in 0..steps {
        let [sources, targets] = reversals(24, &mut random);
        let mean = loss(&model, &sources, &targets, &device).mean();
        last = mean.clone().into_scalar::<f64>();
        let gradients = GradientsParams::from_grads(mean.backward(), &model);
        let rate = 0.02 * (1.0 - step as f64 / steps as f64);
        model = optimizer.step(rate, model, gradients);
    }
    let [sources, targets] = reversals(100, &mut random);
    let (source, lengths) = batch(&sources, 0, &device);
    let written = model.translate(source, &lengths, 20).unwrap();
    let right = written.iter().zip(&targets);
    let right = right.filter(|(written, target)| written.symbols == **target);
    (last, right.count())
}

#[test]
fn strings_are_turned_around_by_attention_alone() {
    // Long enough on the CPU; elsewhere it is seen that it learns.
    let device = &cpus()[0];
    let (_, without) = learned(None, 400, device);
    for score in [Score::General, Score::Additive] {
        let (_, with) = learned(Some(score), 400, device);
        assert!(with >= 90, "{score:?}: {with} of 100");
        assert!(without + 30 <= with, "{without} of 100 without attention");
    }
}

#[test]
fn a_few_steps_make_the_loss_smaller() {
    for device in cpus() {
        let (first, _) = learned(Some(Score::General), 1, &device);
        let (last, _) = learned(Some(Score::General), 12, &device);
        assert!(last < first - 0.05, "{last} against {first}");
        let feeding = || config(8, 16, 1).with_input_feeding(true);
        let (first, _) = learned_by(feeding(), 1, &device);
        let (last, _) = learned_by(feeding(), 12, &device);
        assert!(
            last < first - 0.05,
            "{last} against {first} with input feeding"
        );
    }
}

/// In training, the right symbol counts `1 - e`, and all symbols share the rest; what is measured is
/// what was foreseen.
#[test]
fn labels_are_smoothed_in_training_alone() {
    const SMOOTHING: f64 = 0.2;
    for device in cpus() {
        let training = device.clone().autodiff();
        training.seed(5);
        let model = config(3, 4, 2).with_label_smoothing(SMOOTHING);
        let model = model.init(&training).unwrap();
        let (sources, targets) = (some_sources(), some_targets());
        let (source, source_lengths) = batch(&sources, 0, &training);
        let (target, target_lengths) = batch(&targets, 0, &training);
        let foreseen = model.forward(source, &source_lengths, target, &target_lengths);
        let scores = foreseen.unwrap().scores;
        let [_, time, symbols] = scores.dims();
        let scores = floats(&scores);
        let (mut plain, mut smoothed) = (Vec::new(), Vec::new());
        for (row, target) in targets.iter().enumerate() {
            let right = target.iter().copied().chain([model.edge()]);
            for (step, right) in right.enumerate() {
                let first = (row * time + step) * symbols;
                let p = softmax(&scores[first..first + symbols]);
                let nats: Vec<f64> = p.iter().map(|p| -p.ln()).collect();
                let mean = nats.iter().sum::<f64>() / symbols as f64;
                plain.push(nats[right as usize]);
                smoothed.push((1.0 - SMOOTHING) * nats[right as usize] + SMOOTHING * mean);
            }
        }
        close(
            &floats(&loss(&model, &sources, &targets, &training)),
            &smoothed,
        );
        close(
            &floats(&loss(&model.valid(), &sources, &targets, &device)),
            &plain,
        );
    }
}
