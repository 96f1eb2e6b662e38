//! Numbers with bounds that can be compared and hashed, so that equal wishes of clients are recognised as one.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// Defines a number of one kind, with its smallest and its largest value.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        #[serde(try_from = "f32", into = "f32")]
        pub struct $name(f32);

        impl $name {
            /// The number itself.
            pub const fn get(self) -> f32 {
                self.0
            }
        }

        impl TryFrom<f32> for $name {
            type Error = &'static str;

            fn try_from(value: f32) -> Result<Self, Self::Error> {
                if ($min..=$max).contains(&value) {
                    // Negative zero is equal to zero, and must have its hash.
                    return Ok(Self(value + 0.0));
                }
                Err(concat!("must lie between ", $min, " and ", $max))
            }
        }

        impl From<$name> for f32 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        // What is within bounds is a number, so equality is one.
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
    /// The least predicted virality of posts that a client wants, 0 to 100.
    MinVirality,
    0.0,
    100.0
);

bounded!(
    /// The most posts a second that a client wants, 0.1 to 1000.
    MaxRate,
    0.1,
    1000.0
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_or_no_number_is_refused() {
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
