//! Eigenvalues, norms and powers of a recurrent matrix.
//!
//! ```text
//! U v = lambda v,   rho = max |lambda|,   |U| = sigma_max = max |U v| / |v|
//! rho^k <= |U^k| <= sigma_max^k,          |U^k|^(1/k) -> rho       (Gelfand)
//! ```
//!
//! `rho^k = |U^k|` at every k when U is normal, as a multiple of a rotation is; another U may grow at
//! first though all of its eigenvalues are inside the unit circle.

use faer::Mat;

/// Real and imaginary part of each eigenvalue.
pub fn eigenvalues(matrix: &Mat<f64>) -> Vec<(f64, f64)> {
    let found = matrix.eigenvalues().expect("a finite matrix has them");
    found.iter().map(|value| (value.re, value.im)).collect()
}

/// rho, the spectral radius.
pub fn radius(matrix: &Mat<f64>) -> f64 {
    let sizes = eigenvalues(matrix).into_iter().map(|(re, im)| re.hypot(im));
    sizes.fold(0.0, f64::max)
}

/// sigma_max, the spectral norm.
pub fn norm(matrix: &Mat<f64>) -> f64 {
    let found = matrix.singular_values().expect("a finite matrix has them");
    found[0]
}

/// `matrix`, made to have this spectral radius.
pub fn scaled_to(matrix: &Mat<f64>, wanted: f64) -> Mat<f64> {
    let factor = wanted / radius(matrix);
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |row, column| {
        factor * matrix[(row, column)]
    })
}

/// The rotation (and reflection) nearest at hand: Q of `matrix = Q R`.
pub fn orthogonal(matrix: &Mat<f64>) -> Mat<f64> {
    matrix.qr().compute_Q()
}

/// `|U^k|` for k = 1 ..= `last`.
pub fn norms_of_powers(matrix: &Mat<f64>, last: usize) -> Vec<f64> {
    let powers = std::iter::successors(Some(matrix.clone()), |power| Some(power * matrix));
    powers.take(last).map(|power| norm(&power)).collect()
}
