//! What the calendar tells of a time, as numbers that a network can read.
//!
//! ```text
//! year       sin 2 pi p, cos 2 pi p        p: the part of the year that is over
//! month      12 numbers, 1 at the month
//! weekday    7 numbers, 1 at the weekday, from Monday
//! ```

use std::f64::consts::TAU;

use super::Time;
use crate::DataError;

/// A thing that the calendar tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// The position in the year, on a circle: 2 features. Of months and days.
    Year,
    /// Which month: 12 features. Of months and days.
    Month,
    /// Which weekday: 7 features. Of days.
    Weekday,
}

impl Calendar {
    /// The features of each time, one kind after the other: one row a time.
    ///
    /// # Errors
    ///
    /// When the times do not have this feature: years have no month, and months have no weekday.
    pub fn features(kinds: &[Self], times: &[Time]) -> Result<Vec<Vec<f64>>, DataError> {
        let row = |time: &Time| {
            let mut row = Vec::new();
            for kind in kinds {
                row.extend(kind.of(*time).ok_or_else(|| DataError::Invalid {
                    what: "the times that calendar features are of",
                    expected: kind.needed().to_string(),
                    found: time.to_string(),
                })?);
            }
            Ok(row)
        };
        times.iter().map(row).collect()
    }

    /// The number of its features.
    pub fn width(self) -> usize {
        match self {
            Self::Year => 2,
            Self::Month => 12,
            Self::Weekday => 7,
        }
    }

    fn of(self, time: Time) -> Option<Vec<f64>> {
        let one_of = |at: i64| {
            (0..self.width() as i64)
                .map(|index| f64::from(u8::from(index == at)))
                .collect()
        };
        match self {
            Self::Year => {
                let angle = TAU * time.part_of_year()?;
                Some(vec![angle.sin(), angle.cos()])
            }
            Self::Month => Some(one_of(time.month()? - 1)),
            Self::Weekday => Some(one_of(time.weekday()?)),
        }
    }

    fn needed(self) -> &'static str {
        match self {
            Self::Year | Self::Month => "months or days",
            Self::Weekday => "days",
        }
    }
}
