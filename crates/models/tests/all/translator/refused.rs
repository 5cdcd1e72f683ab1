//! What a translator refuses.

use super::*;

#[test]
fn impossible_models_and_batches_are_refused() {
    let device = &cpus()[0];
    let message =
        |config: TranslatorConfig<Encoder, Decoder>| config.init(device).unwrap_err().to_string();
    let with = |source, target| TranslatorConfig {
        source_vocabulary: source,
        target_vocabulary: target,
        ..config(3, 4, 1)
    };
    assert_eq!(
        message(with(0, 4)),
        "Translator: source vocabulary size: expected at least 1, found 0"
    );
    assert_eq!(
        message(with(4, 0)),
        "Translator: target vocabulary size: expected at least 1, found 0"
    );
    assert_eq!(
        message(config(0, 4, 1)),
        "Translator: source embedding size: expected at least 1, found 0"
    );
    assert_eq!(
        message(config(3, 4, 1).with_dropout(1.0)),
        "Translator: dropout: expected at least 0 and below 1, found 1"
    );
    assert_eq!(
        message(config(3, 4, 1).with_label_smoothing(1.0)),
        "Translator: label smoothing: expected at least 0 and below 1, found 1"
    );
    assert_eq!(
        message(config(3, 4, 1).with_attention(Some(Score::Dot))),
        "Translator: Attention: annotation size: expected 4, the features of a query, for a dot \
         product, found 8"
    );
    assert_eq!(
        message(
            config(3, 4, 1)
                .with_attention(None)
                .with_input_feeding(true)
        ),
        "Translator: input feeding: expected a model with attention, found no attention"
    );
    assert!(message(config(3, 4, 0)).starts_with("decoder of Translator: Deep: layers"));
    let both = BidirectionalConfig::new(GruConfig::new(3, 4));
    let error = TranslatorConfig::new(SOURCE, TARGET, both.clone(), both).init(device);
    assert_eq!(
        error.unwrap_err().to_string(),
        "Translator: direction of the decoder: expected Forward, found both"
    );

    let model = model(device);
    let symbols = |shape| Tensor::<2, Int>::zeros(shape, device);
    let learn = |source: [usize; 2], lengths: &[usize], target: [usize; 2], told: &[usize]| {
        let (lengths, told) = (Lengths::new(lengths), Lengths::new(told));
        let nats = model.loss(symbols(source), &lengths, symbols(target), &told);
        nats.unwrap_err().to_string()
    };
    assert_eq!(
        learn([2, 3], &[3, 4], [2, 3], &[3, 3]),
        "Translator: source: length of row 1: expected at most 3, the steps of the batch, found 4"
    );
    assert_eq!(
        learn([2, 3], &[3, 3], [2, 3], &[3]),
        "Translator: target: lengths, one for each row of the batch: expected 2, found 1"
    );
    assert_eq!(
        learn([2, 3], &[3, 3], [3, 3], &[3, 3, 3]),
        "Translator: target [batch, time], a row for each of the source: \
         expected [2, at least 1], found [3, 3]"
    );
    let lengths = Lengths::new([3, 3]);
    let error = model.translate(symbols([2, 3]), &lengths, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Translator: limit: expected at least 1, found 0"
    );
    let error = model.beam(symbols([2, 3]), &lengths, &BeamSearch::new(0));
    assert!(error.is_err());
    let schedule = ScheduledSampling::new(1.5);
    let error = model.scheduled_loss(
        symbols([2, 3]),
        &lengths,
        symbols([2, 3]),
        &lengths,
        &schedule,
        &mut StdRng::seed_from_u64(0),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "Translator: probability of scheduled sampling: expected at least 0 and at most 1, found 1.5"
    );
}
