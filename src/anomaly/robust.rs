//! Estimates of location and scale that resist outliers.

/// Standard deviation of a normal distribution in units of its median absolute deviation.
const DEVIATIONS: f64 = 1.4826;

/// Returns the median, which is the lower of two middle values, or `None` if there are no values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Estimates the standard deviation around 0 from the median absolute value, assuming a normal distribution. Returns 0
/// if there are no values.
pub fn spread(values: &[f64]) -> f64 {
    let mut distances: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    DEVIATIONS * median(&mut distances).unwrap_or(0.0)
}

/// Median of a changing set of values.
#[derive(Debug, Default)]
pub struct MovingMedian {
    sorted: Vec<f64>,
}

impl MovingMedian {
    /// Adds a value to the set.
    pub fn insert(&mut self, value: f64) {
        let at = self.sorted.partition_point(|other| *other < value);
        self.sorted.insert(at, value);
    }

    /// Removes a value from the set, which must contain it.
    pub fn remove(&mut self, value: f64) {
        let at = self.sorted.partition_point(|other| *other < value);
        if at < self.sorted.len() {
            self.sorted.remove(at);
        }
    }

    /// Returns the lower median, or `None` if there are fewer than `n_min` values.
    pub fn get(&self, n_min: usize) -> Option<f64> {
        let middle = self.sorted.len().checked_sub(1)? / 2;
        self.sorted.get(middle).copied().filter(|_| self.sorted.len() >= n_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_moves_neither_median_nor_spread() {
        let mut values = [1.0, -1.0, 0.0, 1.0, 1_000.0];
        assert_eq!(median(&mut values), Some(1.0));
        assert_eq!(spread(&values), DEVIATIONS);
        assert_eq!((median(&mut []), spread(&[])), (None, 0.0));
    }

    #[test]
    fn a_moving_median_is_the_median_of_the_present_values() {
        let mut moving = MovingMedian::default();
        for value in [5.0, 1.0, 3.0, 3.0, 9.0] {
            moving.insert(value);
        }
        assert_eq!((moving.get(5), moving.get(6)), (Some(3.0), None));
        moving.remove(3.0);
        moving.remove(1.0);
        assert_eq!(moving.get(1), Some(5.0));
    }
}
