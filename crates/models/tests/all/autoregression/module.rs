//! The same model of tensors, learned by gradient.

use backdraft_models::baselines::{Autoregression, AutoregressionConfig, AutoregressionModule};
use burn::module::Param;
use burn::tensor::{Gradients, Tensor};

use super::*;

use crate::support::cpus;

/// One step of plain gradient descent.
fn descended(param: &Param<Tensor<1>>, gradients: &Gradients) -> Param<Tensor<1>> {
    let slope = param.grad(gradients).unwrap();
    let moved = param.val().inner() - slope * 0.3;
    Param::from_tensor(Tensor::from_inner(moved))
}

#[test]
fn gradients_lead_to_least_squares() {
    let truth = Autoregression::new(0.2, [1, 3], [0.6, -0.3], 0.5).unwrap();
    let drawn = truth.sample(&[Some(0.0); 3], 400, 2, 21).unwrap().paths;
    let mut series = [observed(&drawn[0]), observed(&drawn[1][..57])];
    series[0][100] = None;
    let config = AutoregressionConfig::of_lags([1, 3]);
    let fit = config.fit(&series).unwrap();
    for device in cpus() {
        let mut module = config.init(&device.autodiff()).unwrap();
        let (windows, targets) = module.rows(&series).unwrap();
        assert_eq!(windows.dims(), [fit.rows, 2]);
        let mean = |module: &AutoregressionModule| {
            module
                .loss(windows.clone(), targets.clone())
                .unwrap()
                .mean()
        };
        for _ in 0..300 {
            let gradients = mean(&module).backward();
            for param in [
                &mut module.coefficients,
                &mut module.intercept,
                &mut module.log_deviation,
            ] {
                *param = descended(param, &gradients);
            }
        }
        let found = module.to_host().unwrap();
        assert_near(&coefficients(&found), &coefficients(&fit.model), 1e-6);
        assert_near(&[found.variance()], &[fit.model.variance()], 2e-6);
        let nats: f64 = mean(&module).into_scalar();
        assert_near(&[nats * fit.rows as f64], &[-fit.log_likelihood], 1e-5);
    }
}

#[test]
fn a_module_is_the_model_that_it_was_made_of() {
    let model = Autoregression::new(0.5, [2, 1], [0.25, -0.75], 4.0).unwrap();
    for device in cpus() {
        let module = model.to_module(&device).unwrap();
        let back = module.to_host().unwrap();
        assert_eq!(back.lags(), [2, 1]);
        assert_near(&coefficients(&back), &coefficients(&model), 1e-7);
        assert_near(&[back.variance()], &[4.0], 1e-6);

        let series = observed(&[1.0, 2.0, 4.0, 3.0]);
        let (windows, targets) = module.rows(&[&series]).unwrap();
        let found: Vec<f64> = windows.to_data().iter().collect();
        assert_eq!(found, [1.0, 2.0, 2.0, 4.0]);
        let means: Vec<f64> = module
            .forward(windows.clone())
            .unwrap()
            .into_data()
            .iter()
            .collect();
        assert_near(&means, &[0.5 + 0.25 - 1.5, 0.5 + 0.5 - 3.0], 1e-6);
        let nats = module.loss(windows.clone(), targets).unwrap();
        let nats: Vec<f64> = nats.into_data().iter().collect();
        let expected: Vec<f64> = model
            .nats(&[], &series)
            .unwrap()
            .into_iter()
            .flatten()
            .collect();
        assert_near(&nats, &expected, 1e-6);

        let wide = Tensor::<2>::zeros([2, 3], &device);
        assert!(module.forward(wide).is_err());
        assert!(module.loss(windows, Tensor::zeros([3], &device)).is_err());
        assert!(module.rows(&[[None; 9]]).is_err());
        assert!(module.rows(&[[Some(f64::NAN); 9]]).is_err());
        assert!(AutoregressionConfig::new(0).init(&device).is_err());
        let held_back = AutoregressionConfig::new(1).with_hold_back(Some(3));
        assert!(held_back.init(&device).is_err());
    }
}
