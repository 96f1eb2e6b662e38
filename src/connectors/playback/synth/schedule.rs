//! Schedule of generated posts, including viral posts and crises, in which a product fails for many people at once.
//!
//! Without bursts, a dashboard would have nothing to show. Each kind of burst starts soon enough for a visitor to see
//! it, and recurs from time to time.

use super::seeded_rng::SeededRng;

/// Seconds from the start to the first crisis. The next constant is the range of intervals between crises.
const CRISIS_AFTER: f64 = 90.0;
const CRISIS_EVERY: (f64, f64) = (480.0, 780.0);

/// Duration of a crisis in seconds: long enough to make most posts about the product within five minutes negative.
const CRISIS_SECONDS: f64 = 110.0;

/// Number of crisis posts per ordinary post during a crisis.
const CRISIS_SHARE: f64 = 1.0;

/// Timing and volume of viral posts and their replies, analogous to the `CRISIS_*` constants.
const VIRAL_AFTER: f64 = 40.0;
const VIRAL_EVERY: (f64, f64) = (150.0, 300.0);
const VIRAL_SECONDS: f64 = 45.0;
const VIRAL_SHARE: f64 = 0.4;

/// The event that a post is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// No event: an ordinary post.
    Everyday,
    /// A crisis: the product with this index fails for many people.
    Crisis(usize),
    /// The viral post itself.
    Viral,
    /// A reply to the viral post.
    Reply,
}

#[derive(Debug, Clone)]
pub struct Schedule {
    crisis: Burst,
    viral: Burst,
    /// Index of the product that fails in the current or next crisis.
    product: usize,
    n_products: usize,
    /// Whether the viral post of the current burst has already been written.
    has_viral_post: bool,
}

#[derive(Debug, Clone)]
struct Burst {
    begins: f64,
    seconds: f64,
}

impl Burst {
    fn holds(&self, now: f64) -> bool {
        (self.begins..self.begins + self.seconds).contains(&now)
    }

    /// Advances to the next burst if this one is over, and returns whether it did.
    fn advance(&mut self, now: f64, (least, most): (f64, f64), rng: &mut SeededRng) -> bool {
        let is_over = now >= self.begins + self.seconds;
        if is_over {
            self.begins += least + (most - least) * rng.unit();
        }
        is_over
    }
}

impl Schedule {
    pub fn new(n_products: usize, rng: &mut SeededRng) -> Self {
        Self {
            crisis: Burst { begins: CRISIS_AFTER, seconds: CRISIS_SECONDS },
            viral: Burst { begins: VIRAL_AFTER, seconds: VIRAL_SECONDS },
            product: rng.below(n_products),
            n_products,
            has_viral_post: false,
        }
    }

    /// Returns the seconds from `now` until the next post is due, and the event that the post is part of.
    pub fn next(&mut self, now: f64, rate: f64, rng: &mut SeededRng) -> (f64, Event) {
        if self.crisis.advance(now, CRISIS_EVERY, rng) {
            self.product = rng.below(self.n_products);
        }
        if self.viral.advance(now, VIRAL_EVERY, rng) {
            self.has_viral_post = false;
        }
        let crisis = if self.crisis.holds(now) { CRISIS_SHARE } else { 0.0 };
        let viral = if self.viral.holds(now) { VIRAL_SHARE } else { 0.0 };
        let all = 1.0 + crisis + viral;
        let wait = rng.wait(rate * all);
        let which = rng.unit() * all;
        if which < crisis {
            return (wait, Event::Crisis(self.product));
        }
        if which >= crisis + viral {
            return (wait, Event::Everyday);
        }
        let event = if self.has_viral_post { Event::Reply } else { Event::Viral };
        self.has_viral_post = true;
        (wait, event)
    }
}
