//! Medians, and how far the rounds lie apart.

use std::fmt;

/// The median, the least and the most of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half of the rounds are under it.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of no rounds all of it is no number.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (values.first(), values.last()) else {
            return Self { median: f64::NAN, least: f64::NAN, most: f64::NAN };
        };
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self { median, least: *least, most: *most }
    }

    /// One number, which has no spread.
    pub fn one(value: f64) -> Self {
        Self::of(std::iter::once(value))
    }

    /// Returns the numbers, each divided by this.
    #[must_use]
    pub fn divided(self, by: f64) -> Self {
        Self { median: self.median / by, least: self.least / by, most: self.most / by }
    }
}

/// The median, and the spread behind it. The formatter's precision holds for all three.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, least, most } = self;
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(of(&[]).median.is_nan());
        assert_eq!(format!("{:.1}", of(&[3.0, 1.0, 2.0])), "2.0 (1.0–3.0)");
    }
}
