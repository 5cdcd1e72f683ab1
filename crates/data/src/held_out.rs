//! Which examples are held out.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::DataError;

/// Splits examples into those to train on and those that are held out. The held-out part is drawn at random and is
/// always the same for a seed; both parts keep the original order.
///
/// # Errors
///
/// When there are too few to hold any out.
pub fn hold_out<E>(
    examples: Vec<E>,
    fraction: f64,
    seed: u64,
) -> Result<(Vec<E>, Vec<E>), DataError> {
    let count = examples.len();
    let held_out = ((count as f64 * fraction).round() as usize).max(1);
    if held_out >= count {
        return Err(DataError::Invalid {
            what: "the number of examples",
            expected: format!("more than the {held_out} that are held out"),
            found: count.to_string(),
        });
    }
    let mut is_held_out = vec![false; count];
    is_held_out[..held_out].fill(true);
    is_held_out.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut parts = (Vec::new(), Vec::new());
    for (example, is_held_out) in examples.into_iter().zip(is_held_out) {
        match is_held_out {
            false => parts.0.push(example),
            true => parts.1.push(example),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_held_out_at_random_and_the_same_for_a_seed() {
        let all = || (0..100).collect::<Vec<_>>();
        let (learned, held_out) = hold_out(all(), 0.2, 1).unwrap();
        assert_eq!((learned.len(), held_out.len()), (80, 20));
        assert!(learned.is_sorted() && held_out.is_sorted());
        assert_ne!(held_out, (0..20).collect::<Vec<_>>());
        assert_eq!(hold_out(all(), 0.2, 1).unwrap().1, held_out);
        assert_ne!(hold_out(all(), 0.2, 2).unwrap().1, held_out);
        let error = hold_out(vec![0], 0.2, 1).unwrap_err().to_string();
        assert!(error.contains("more than the 1"), "{error}");
    }
}
