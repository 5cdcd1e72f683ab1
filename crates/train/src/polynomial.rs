//! Numbers of weights without the weights: what small models have tells what large ones would.
//!
//! The weights of a layer of `h` units that reads `i` features are matrices and vectors of these sizes,
//! so that their number is a polynomial of the second degree in both, which is known from six of its
//! values (Newton's forward differences). Of even sizes, for layers that halve one:
//!
//! ```text
//! n(2 + 2 x, 2 + 2 y) = n_22 + a x + b y + c x y + d x (x - 1) / 2 + e y (y - 1) / 2
//! a = n_42 - n_22,  c = n_44 - n_42 - n_24 + n_22,  d = n_62 - 2 n_42 + n_22;  b, e likewise in y
//! ```

/// `n(i, h)`, of `n` for sizes of 2, 4 and 6.
///
/// # Errors
///
/// When a small one cannot be counted.
pub(crate) fn value<E>(
    [i, h]: [usize; 2],
    n: impl Fn(usize, usize) -> Result<usize, E>,
) -> Result<usize, E> {
    let n = |i, h| n(i, h).map(|count| count as i128);
    let (n22, n42, n24) = (n(2, 2)?, n(4, 2)?, n(2, 4)?);
    let (n44, n62, n26) = (n(4, 4)?, n(6, 2)?, n(2, 6)?);
    // Twice x and y. Sizes beyond this have no memory anywhere, and their squares no number.
    let [x, y] = [i, h].map(|size| size.min(1 << 40) as i128 - 2);
    let pairs = |x: i128| x * (x - 2);
    let eightfold = 8 * n22
        + (n42 - n22) * 4 * x
        + (n24 - n22) * 4 * y
        + (n44 - n42 - n24 + n22) * 2 * x * y
        + (n62 - 2 * n42 + n22) * pairs(x)
        + (n26 - 2 * n24 + n22) * pairs(y);
    Ok(usize::try_from(eightfold / 8).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_its_values() {
        let n = |i: usize, h: usize| 7 + 2 * i + 5 * h + 3 * i * h + 4 * h * h + i * i + h / 2;
        let small = |i: usize, h: usize| -> Result<usize, ()> {
            assert!([i, h].iter().all(|size| [2, 4, 6].contains(size)));
            Ok(n(i, h))
        };
        for [i, h] in [[1, 2], [2, 2], [3, 4], [100, 64], [77, 1000]] {
            assert_eq!(value([i, h], small), Ok(n(i, h)));
        }
        assert_eq!(value([usize::MAX, usize::MAX], small), Ok(usize::MAX));
        assert_eq!(value([5, 5], |_, _| Err("none")), Err("none"));
    }
}
