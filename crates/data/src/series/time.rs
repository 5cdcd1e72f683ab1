//! Points in time, as tables write them.
//!
//! ```text
//! 1700 and other whole numbers    a year, or a count of steps
//! 1958-03                         a month
//! 19580329, 1958-03-29            a day
//! 1958-03-29 12:30, ..T12:30:00   a minute
//! ```
//!
//! Days are counted from 1970-01-01 in the Gregorian calendar, by Hinnant's algorithms ("chrono-compatible
//! low-level date algorithms"), in years that begin in March.

use std::fmt::{self, Display};

/// A point in time; all of one series are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Time {
    /// A year, or the count of a step.
    Number(i64),
    /// Months since year 0.
    Month(i64),
    /// Days since 1970-01-01.
    Day(i64),
    /// Minutes since 1970-01-01 00:00.
    Minute(i64),
}

impl Time {
    /// A day of the Gregorian calendar; nothing if there is none such.
    pub fn day(year: i64, month: i64, day: i64) -> Option<Self> {
        let possible = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day);
        possible.then(|| Self::Day(days(year, month, day)))
    }

    /// What `text` tells; nothing if it is written in no way known here.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((date, clock)) = text.split_once([' ', 'T']) {
            let Self::Day(day) = Self::parse(date)? else {
                return None;
            };
            return Some(Self::Minute(day * 24 * 60 + minutes(clock.trim())?));
        }
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if text.len() == 8 && digits(text) {
            return date([&text[..4], &text[4..6], &text[6..]]);
        }
        let parts: Vec<&str> = text.split('-').collect();
        match parts[..] {
            [year, month, day] if year.len() == 4 => date([year, month, day]),
            [year, month] if year.len() == 4 && !month.is_empty() => {
                let (year, month) = (whole(year)?, whole(month)?);
                let possible = (1..=12).contains(&month);
                possible.then_some(Self::Month(year * 12 + month - 1))
            }
            _ => {
                // Counts of any size, as long as their differences do not overflow.
                let count: i64 = text.parse().ok()?;
                (count.unsigned_abs() < 1 << 60).then_some(Self::Number(count))
            }
        }
    }

    /// Its count, in units of its kind.
    pub(super) fn count(self) -> i64 {
        match self {
            Self::Number(count) | Self::Month(count) | Self::Day(count) | Self::Minute(count) => {
                count
            }
        }
    }

    /// Another count of the same kind.
    pub(super) fn with_count(self, count: i64) -> Self {
        match self {
            Self::Number(_) => Self::Number(count),
            Self::Month(_) => Self::Month(count),
            Self::Day(_) => Self::Day(count),
            Self::Minute(_) => Self::Minute(count),
        }
    }

    pub(super) fn is_of_kind_of(self, other: Self) -> bool {
        self.with_count(0) == other.with_count(0)
    }

    /// Year, month from 1 and day from 1, of times that have a day.
    pub fn date(self) -> Option<(i64, i64, i64)> {
        match self {
            Self::Day(day) => Some(civil(day)),
            Self::Minute(minute) => Some(civil(minute.div_euclid(24 * 60))),
            Self::Number(_) | Self::Month(_) => None,
        }
    }

    /// The month, from 1; nothing of times that have none.
    pub fn month(self) -> Option<i64> {
        match self {
            Self::Month(count) => Some(count.rem_euclid(12) + 1),
            time => time.date().map(|(_, month, _)| month),
        }
    }

    /// The weekday, from 0 for Monday; nothing of times that have no day.
    pub fn weekday(self) -> Option<i64> {
        let day = match self {
            Self::Day(day) => day,
            Self::Minute(minute) => minute.div_euclid(24 * 60),
            Self::Number(_) | Self::Month(_) => return None,
        };
        // 1970-01-01 was a Thursday.
        Some((day + 3).rem_euclid(7))
    }

    /// The part of its year that is over when it begins, in `0.0..1.0`.
    pub fn part_of_year(self) -> Option<f64> {
        if let Self::Month(count) = self {
            return Some(count.rem_euclid(12) as f64 / 12.0);
        }
        let (year, _, _) = self.date()?;
        let (start, end) = (days(year, 1, 1), days(year + 1, 1, 1));
        let now = match self {
            Self::Minute(minute) => minute as f64 / (24.0 * 60.0),
            time => time.count() as f64,
        };
        Some((now - start as f64) / (end - start) as f64)
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(count) => write!(f, "{count}"),
            Self::Month(count) => {
                write!(
                    f,
                    "{:04}-{:02}",
                    count.div_euclid(12),
                    count.rem_euclid(12) + 1
                )
            }
            Self::Day(day) => {
                let (year, month, day) = civil(*day);
                write!(f, "{year:04}-{month:02}-{day:02}")
            }
            Self::Minute(minute) => {
                let clock = minute.rem_euclid(24 * 60);
                let day = Self::Day(minute.div_euclid(24 * 60));
                write!(f, "{day} {:02}:{:02}", clock / 60, clock % 60)
            }
        }
    }
}

/// A number without a sign.
fn whole(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // No date has more digits than a year; the sums below stay far from overflow.
    (digits && text.len() <= 4).then(|| text.parse().ok())?
}

fn date([year, month, day]: [&str; 3]) -> Option<Time> {
    Time::day(whole(year)?, whole(month)?, whole(day)?)
}

/// Minutes of `HH:MM`, with seconds only where they are 0.
fn minutes(clock: &str) -> Option<i64> {
    let parts = clock.trim_end_matches('Z').split(':').map(whole);
    let parts = parts.collect::<Option<Vec<_>>>()?;
    match parts[..] {
        [hour, minute] | [hour, minute, 0] if hour < 24 && minute < 60 => Some(hour * 60 + minute),
        _ => None,
    }
}

pub(super) fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
