//! The step of a regular time axis.
//!
//! ```text
//! d = gcd of t_{i+1} - t_i,  in the units of the times; days become months where all are the first,
//!                            or any one day up to the 28th, or all the last of their month
//! regular:  1 + (t_n - t_1) / d <= 2 n        no more steps are missing than are there
//! ```

use super::time::{Time, month_length};

/// How one time follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many of what the times are counted in: years or steps, months, days, minutes.
    Units(i64),
    /// From a day to the same one so many months later.
    Months(i64),
    /// From the last day of a month to that of the one so many months later.
    MonthEnds(i64),
}

impl Step {
    /// The step of ascending times of one kind; nothing where they are not regular, or fewer than two.
    pub(super) fn of(times: &[Time]) -> Option<Self> {
        let regular = |counts: &[i64]| {
            let gaps = counts.windows(2).map(|pair| pair[1] - pair[0]);
            let step = gaps.reduce(gcd).filter(|step| *step > 0)?;
            let steps = (counts.last()? - counts.first()?) / step;
            (steps < 2 * counts.len() as i64).then_some(step)
        };
        let counts: Vec<i64> = times.iter().map(|time| time.count()).collect();
        if let [Time::Day(_), ..] = times {
            let dates: Vec<_> = times.iter().filter_map(|time| time.date()).collect();
            let months: Vec<i64> = dates.iter().map(|(y, m, _)| y * 12 + m - 1).collect();
            let same = |(_, _, day): &(i64, i64, i64)| *day == dates[0].2 && *day <= 28;
            let last = |(year, month, day): &(i64, i64, i64)| *day == month_length(*year, *month);
            if dates.iter().all(same) {
                return regular(&months).map(Self::Months);
            }
            if dates.iter().all(last) {
                return regular(&months).map(Self::MonthEnds);
            }
        }
        regular(&counts).map(Self::Units)
    }

    /// The time that follows.
    pub(super) fn after(self, time: Time) -> Time {
        let month_later = |months: i64| {
            let (year, month, day) = time.date()?;
            let count = year * 12 + month - 1 + months;
            let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
            let day = match self {
                Self::MonthEnds(_) => month_length(year, month),
                _ => day,
            };
            Time::day(year, month, day)
        };
        match self {
            Self::Units(units) => time.with_count(time.count() + units),
            Self::Months(months) | Self::MonthEnds(months) => {
                month_later(months).expect("a step of months is one of days that each month has")
            }
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    match b {
        0 => a,
        b => gcd(b, a % b),
    }
}
