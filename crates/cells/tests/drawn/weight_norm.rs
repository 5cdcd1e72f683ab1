//! Weight normalisation: what is learned, what is saved, and what is left when it is done with.

use backdraft_cells::prelude::*;
use backdraft_cells::{WeightGain, WeightNorm};
use burn::module::Module;
use burn::tensor::DType;

use crate::support::{Backend, alone, assert_close, backends, values};

#[test]
fn weight_norm_keeps_length_and_direction_apart() {
    let _alone = alone();
    let device = backends()[0].device.clone().autodiff();
    let build = |weight_norm| {
        device.seed(2);
        let gates = GatesConfig::new().with_weight_norm(weight_norm);
        GruConfig::new(3, 4)
            .with_gates(gates)
            .init(&device)
            .unwrap()
    };
    let (plain, normed) = (build(WeightNorm::Off), build(WeightNorm::Both));
    for (plain, normed) in [
        (&plain.gates.input_weight, &normed.gates.input_weight),
        (
            &plain.gates.recurrent_weight,
            &normed.gates.recurrent_weight,
        ),
    ] {
        assert_eq!(values(&normed.base()), values(&plain.val()));
        assert_close("start", &values(&normed.val()), &values(&plain.val()), 1e-6);
        let columns = normed.dims()[1];
        let gain = values(
            &normed
                .reparameterization::<WeightGain>()
                .unwrap()
                .gain
                .val(),
        );
        // Twice the direction is the same direction.
        let doubled = normed.clone().map(|v| (v * 2.0).detach());
        assert!(doubled.reparameterization::<WeightGain>().is_none());
        for (row, gain) in values(&normed.val()).chunks(columns).zip(gain) {
            let length = row.iter().map(|w| w * w).sum::<f64>().sqrt();
            assert!((length - gain).abs() < 1e-6, "{length} {gain}");
        }
    }
    assert_eq!(normed.num_params(), plain.num_params() + 24);
    let recurrent = build(WeightNorm::Recurrent);
    assert_eq!(recurrent.num_params(), plain.num_params() + 12);

    // Through a file and back, into a cell that started elsewhere.
    let backend = &backends()[0];
    let f32 = Backend {
        dtype: DType::F32,
        device: backend.device.clone(),
        ..*backend
    };
    let learned = f32.fill(normed.clone(), 8);
    let loaded = normed.load_record(learned.clone().into_record());
    let weight = |gru: &Gru| values(&gru.gates.recurrent_weight.val());
    assert_eq!(weight(&loaded), weight(&learned));
    // What is evaluated, and what is taken up again after it, is the same.
    assert_eq!(weight(&learned.valid()), weight(&learned));
    assert_eq!(weight(&learned.valid().train()), weight(&learned));
    // And what is left when it is done with.
    let plain = learned.clone().materialize();
    assert_eq!(plain.num_params(), build(WeightNorm::Off).num_params());
    assert_eq!(weight(&plain), weight(&learned));
}
