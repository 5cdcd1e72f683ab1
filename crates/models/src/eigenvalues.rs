//! The eigenvalues of a recurrent matrix: along its eigenvector, a linear recurrence multiplies what it
//! remembers by one of them in each step.

use faer::Mat;

/// All eigenvalues of a square matrix, row by row: real and imaginary parts. `None` if there is nothing to
/// compute, a number is not finite, or it does not succeed.
///
/// # Panics
///
/// When there are not `size` rows of `size` numbers.
pub fn eigenvalues(rows: &[f32], size: usize) -> Option<Vec<[f32; 2]>> {
    if rows.is_empty() || rows.iter().any(|value| !value.is_finite()) {
        return None;
    }
    assert_eq!(rows.len(), size * size, "the matrix is square");
    let matrix = Mat::from_fn(size, size, |row, column| rows[row * size + column]);
    let found = matrix.eigenvalues().ok()?;
    Some(found.iter().map(|value| [value.re, value.im]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_has_the_roots_of_one() {
        // h_i goes to h_{i+1}, the last one to the first: not symmetric, all eigenvalues on the circle.
        const N: usize = 40;
        let rows: Vec<f32> = (0..N * N)
            .map(|at| f32::from(u8::from((at % N + 1) % N == at / N)))
            .collect();
        let found = eigenvalues(&rows, N).unwrap();
        let root = |k: usize| {
            let angle = 2.0 * std::f32::consts::PI * k as f32 / N as f32;
            [angle.cos(), angle.sin()]
        };
        for k in 0..N {
            let [re, im] = root(k);
            let near = |[a, b]: &[f32; 2]| (a - re).abs() < 1e-4 && (b - im).abs() < 1e-4;
            assert_eq!(found.iter().filter(|value| near(value)).count(), 1, "{k}");
        }
    }

    #[test]
    fn what_is_no_number_has_none() {
        assert!(eigenvalues(&[1.0, f32::NAN, 0.0, 1.0], 2).is_none());
        assert!(eigenvalues(&[1.0, f32::INFINITY, 0.0, 1.0], 2).is_none());
        assert!(eigenvalues(&[], 5000).is_none());
    }
}
