//! Bounded numbers that can be compared and hashed, so that equal subscriptions are recognized as equal.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// Defines a newtype for a number between a minimum and a maximum, both inclusive.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        #[serde(try_from = "f32", into = "f32")]
        pub struct $name(f32);

        impl $name {
            /// Returns the value, which lies within the bounds.
            pub const fn get(self) -> f32 {
                self.0
            }
        }

        impl TryFrom<f32> for $name {
            type Error = &'static str;

            fn try_from(value: f32) -> Result<Self, Self::Error> {
                if ($min..=$max).contains(&value) {
                    // Negative zero equals zero and must have the same hash.
                    return Ok(Self(value + 0.0));
                }
                Err(concat!("must be between ", $min, " and ", $max))
            }
        }

        impl From<$name> for f32 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        // The bounds exclude NaN, so equality is reflexive.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.to_bits() == other.0.to_bits()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.to_bits().hash(state);
            }
        }
    };
}

bounded!(
    /// Minimum predicted virality of the posts in a subscription, 0 to 100.
    MinVirality,
    0.0,
    100.0
);

bounded!(
    /// Maximum number of posts per second in a subscription, 0.1 to 1000.
    MaxRate,
    0.1,
    1000.0
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_and_nan_are_rejected() {
        for wrong in [-0.1, 100.1, f32::NAN, f32::INFINITY] {
            assert!(MinVirality::try_from(wrong).is_err(), "{wrong}");
        }
        for wrong in [0.0, 0.09, 1000.5] {
            assert!(MaxRate::try_from(wrong).is_err(), "{wrong}");
        }
        assert_eq!(MinVirality::try_from(-0.0), MinVirality::try_from(0.0));
        assert_eq!(serde_json::to_string(&MaxRate::try_from(0.5).unwrap()).unwrap(), "0.5");
    }
}
