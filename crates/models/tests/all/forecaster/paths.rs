//! Futures that are drawn.

use super::*;

#[test]
fn paths_of_points_are_predictions_read_again() {
    for device in cpus() {
        let config = config(1).with_output(Output::Point(PointError::Squared));
        let model = built(&config, 5, &device);
        let context = batch();
        let future = [vec![vec![0.1], vec![0.2], vec![0.3]], vec![vec![9.0]; 3]];
        let mut random = StdRng::seed_from_u64(1);
        let found = model
            .forecast(&context, &future, 3, 2, &mut random)
            .unwrap();
        for (row, found) in found.iter().enumerate() {
            let series = &context[row];
            let (location, scale) = units(series, Scaling::MeanAbsolute);
            let mut known = series.clone();
            let mut expected = Vec::new();
            for covariates in &future[row] {
                known.values.push(None);
                known.covariates.push(covariates.clone());
                let begun = model.initial_state(vec![Scale { location, scale }]);
                let told = model
                    .one_step(std::slice::from_ref(&known), Some(begun))
                    .unwrap();
                let next = told.predictives[0].last().unwrap().mean();
                expected.push(next);
                let place = known.values.len() - 1;
                known.values[place] = Some(next);
            }
            assert_eq!(found.paths.len(), 2);
            for path in &found.paths {
                close(path, &expected, 1e-5);
            }
            close(&found.mean(), &expected, 1e-5);
        }
    }
}

#[test]
fn the_first_step_of_the_paths_is_drawn_from_what_is_said_of_it() {
    for device in cpus() {
        let model = built(&config(0), 6, &device);
        let context = [
            Series::new([Some(2.0), Some(-1.0)]),
            Series::new([Some(300.0)]),
        ];
        let draw = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            model.forecast(&context, &[], 2, 2000, &mut random).unwrap()
        };
        let found = draw(1);
        assert_eq!(found, draw(1));
        assert_ne!(found, draw(2));
        for (found, series) in found.iter().zip(&context) {
            let mut known = series.clone();
            let scale = Scaling::MeanAbsolute.of(&series.values);
            known.values.push(None);
            let begun = model.initial_state(vec![scale]);
            let told = model.one_step(&[known], Some(begun)).unwrap().predictives;
            let Some(Predictive::Gaussian { mean, deviation }) = told[0].last() else {
                panic!("{told:?}")
            };
            // Within five standard errors of a mean and of a quantile of 2000.
            assert_eq!(found.horizon(), 2);
            assert!((found.mean()[0] - mean).abs() < 5.0 * deviation / 2000f64.sqrt());
            let upper = told[0][series.values.len()].quantile(0.9);
            assert!((found.quantile(0.9)[0] - upper).abs() < 0.2 * deviation);
            assert!(found.quantile(0.1)[1] < found.quantile(0.5)[1]);
        }
        // Counts stay counts.
        let config = config(0).with_output(Output::NegativeBinomial);
        let model = built(&config, 6, &device);
        let context = [Series::new([Some(20.0), Some(30.0)])];
        let mut random = StdRng::seed_from_u64(3);
        let found = model.forecast(&context, &[], 3, 50, &mut random).unwrap();
        let drawn = found[0].paths.concat();
        assert!(drawn.iter().all(|z| *z >= 0.0 && z.fract() == 0.0));
        assert!(drawn.iter().any(|z| *z > 3.0));
    }
}
