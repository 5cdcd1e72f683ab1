//! What was found, in numbers and in words.

use crate::curves::{Curve, Norms};
use crate::nets::SHORT;
use crate::{Findings, RADII, spectra};

/// Prints all of it.
pub fn print(found: &Findings) {
    powers(found);
    at_rest(found);
    driven(found);
    saturated(found);
    gated("5. LSTM", "d(h,c)_T/d(h,c)_i", 'f', &found.lstm, OF_LSTM);
    gated("6. GRU", "dh_T/dh_i", 'z', &found.gru, OF_GRU);
    agreement(found);
}

/// Lines that follow a table.
fn say(text: &str) {
    println!("{text}\n");
}

fn powers(found: &Findings) {
    println!(
        "1. Powers of U, a dense random matrix scaled to spectral radius rho; Q is orthogonal\n"
    );
    println!("         rho  sigma_max     |U^10|     rho^10     |U^40|     rho^40  |U^40|^(1/40)");
    let row = |name: &str, matrix: &_| {
        let rho = spectra::radius(matrix);
        let norms = spectra::norms_of_powers(matrix, SHORT);
        println!(
            "{name:<5} {rho:>6.2} {:>10.2} {:>10.1e} {:>10.1e} {:>10.1e} {:>10.1e} {:>14.3}",
            norms[0],
            norms[9],
            rho.powi(10),
            norms[SHORT - 1],
            rho.powi(SHORT as i32),
            norms[SHORT - 1].powf(1.0 / SHORT as f64),
        );
    };
    for matrix in &found.matrices {
        row("U", matrix);
    }
    row("Q", &found.rotation);
    row("0.9 Q", &spectra::scaled_to(&found.rotation, 0.9));
    say("
|U^k| is rho^k times a number that stays within bounds: below 1 it vanishes, above 1 it explodes.
For an orthogonal matrix that number is 1; a random one makes some vectors longer at first, whatever
rho is, since sigma_max > rho.");
}

fn at_rest(found: &Findings) {
    println!(
        "2. The plain net at rest (x = 0, so h = 0): |dh_T/dh_i| by autodiff, beside |U^(T-i)|\n"
    );
    println!("        T - i = 1           10           20           40      |U^40|   a step");
    for (curve, matrix) in found.at_rest.iter().zip(&found.matrices) {
        norms(curve);
        let powers = spectra::norms_of_powers(matrix, SHORT);
        agree(&powers, &curve.whole.measured);
        end_at_rest(curve, powers[SHORT - 1]);
    }
    norms(&found.rotating);
    let exact: Vec<f64> = (1..=SHORT as i32).map(|back| 0.9f64.powi(back)).collect();
    agree(&exact, &found.rotating.whole.measured);
    end_at_rest(&found.rotating, exact[SHORT - 1]);
    say("
tanh has slope 1 at 0, so the Jacobian of a step is U itself. With 0.9 Q the norm is 0.9^(T-i), exactly.
'a step' is what the norm is multiplied by with one more step back, over the further half; what is
within 3 % of 1 is said to last.");
}

fn end_at_rest(curve: &Curve, expected: f64) {
    let (factor, verdict) = (curve.factor(), curve.verdict());
    println!("  {expected:>10.3e} {factor:>8.2}  {verdict}");
}

fn driven(found: &Findings) {
    println!(
        "3. The plain net reads noise that W makes of strength 1: |dh_T/dh_i|, and its bound\n"
    );
    println!(
        "        T - i = 1           10           20           40    gamma  gamma sigma  a step"
    );
    for (curve, matrix) in found.driven.iter().zip(&found.matrices) {
        norms(curve);
        let bound = curve.gamma * spectra::norm(matrix);
        let bounds = (1..).map(|back| bound.powi(back));
        let mut pairs = curve.whole.measured.iter().zip(bounds);
        assert!(pairs.all(|(norm, bound)| *norm <= bound * (1.0 + 1e-9)));
        println!(
            "{:>9.3} {bound:>12.2} {:>7.2}  {}",
            curve.gamma,
            curve.factor(),
            curve.verdict()
        );
    }
    say("
A step's factor is well below rho: units that are far from 0 have 1 - h^2 < 1. The bound
(gamma sigma)^(T-i) holds, and is loose: at some step some unit is near 0, so gamma is about 1. Where
gamma sigma < 1 the gradient is bound to vanish; where it is above 1 nothing is said.");
}

fn saturated(found: &Findings) {
    println!(
        "4. The plain net with rho = {}: the stronger the input, the less explodes\n",
        RADII[4]
    );
    println!("        T - i = 1           10           20           40   a step");
    for curve in &found.saturated {
        norms(curve);
        println!("{:>9.2}  {}", curve.factor(), curve.verdict());
    }
    say("
The same U: what explodes at rest vanishes in saturation, where h is near 1 or -1 and 1 - h^2 near 0.");
}

fn gated(title: &str, derivative: &str, gate: char, curves: &[Curve], words: &str) {
    println!(
        "{title} as it starts, input of strength 1: |{derivative}|, and {gate}_(i+1) .. {gate}_T\n"
    );
    println!(
        "        T - i = 1           10           50          100   a step   {gate} .. {gate} of 100"
    );
    for curve in curves {
        let Norms { measured, .. } = &curve.whole;
        print!("{:<11}", curve.name);
        row(&[0, 9, 49, 99].map(|at| measured[at]));
        let direct = curve.direct.as_ref().expect("it has gates");
        print!("{:>9.2} {:>13.2e}", curve.factor(), direct.measured[99]);
        println!("  {}", curve.verdict());
    }
    say(words);
}

const OF_LSTM: &str = "
f .. f, the largest of all units, is the direct path dc_T/dc_i, on which no matrix stands. Half open (bias
0: f about 1/2) it lets the gradient vanish as in a plain net; wide open it keeps it. With bias 5 the
whole is more than that path: c hears of h through the input gate, half open, and what it hears adds
up. Chrono, for memories of up to 100 steps, opens f and shuts i against it: the direct path is left.";
const OF_GRU: &str = "
z .. z, the largest of all units, is the direct path. What is let in, 1 - z, is shut as far as z is open:
wide open, the whole is hardly more than its direct path, and lasts.";

fn agreement(found: &Findings) {
    let worst = |of: fn(&Curve) -> f64| found.curves().map(of).fold(0.0, f64::max);
    println!(
        "7. Autodiff against the formulae, |measured - by hand| / |by hand| of the matrices, at worst\n"
    );
    println!(
        "double precision, step by step, every T - i   {:.1e}",
        worst(|c| c.difference)
    );
    println!(
        "single precision, the kernel, T - i = 20      {:.1e}",
        worst(|c| c.difference_of_kernel)
    );
    println!();
}

/// The name, and what autodiff gave at some distances.
fn norms(curve: &Curve) {
    print!("{:<11}", curve.name);
    row(&[0, 9, 19, 39].map(|at| curve.whole.measured[at]));
}

fn row(values: &[f64; 4]) {
    print!("{:>6.2}", values[0]);
    for value in &values[1..] {
        print!("   {value:>10.3e}");
    }
}

fn agree(expected: &[f64], found: &[f64]) {
    for (expected, found) in expected.iter().zip(found) {
        assert!(
            (found / expected - 1.0).abs() < 1e-9,
            "{found} instead of {expected}"
        );
    }
}
