//! When something happens: a product fails for many people at once, a post goes viral.
//!
//! Without bursts a dashboard has nothing to show. Each begins early enough to be seen, then comes back now
//! and then.

use super::seeded_rng::Dice;

/// Seconds from the start to the first crisis, and then between two, at least and at most.
const CRISIS_AFTER: f64 = 90.0;
const CRISIS_EVERY: (f64, f64) = (480.0, 780.0);

/// Long enough that most of what is said about a product in five minutes is displeased.
const CRISIS_SECONDS: f64 = 110.0;

/// Posts about a crisis for every other post.
const CRISIS_SHARE: f64 = 1.0;

/// The same for viral posts and their answers.
const VIRAL_AFTER: f64 = 40.0;
const VIRAL_EVERY: (f64, f64) = (150.0, 300.0);
const VIRAL_SECONDS: f64 = 45.0;
const VIRAL_SHARE: f64 = 0.4;

/// What a post is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Nothing in particular.
    Everyday,
    /// A product, by its number, fails for many.
    Crisis(usize),
    /// A post that everybody sees.
    Viral,
    /// An answer to it.
    Answer,
}

#[derive(Debug, Clone)]
pub struct Schedule {
    crisis: Burst,
    viral: Burst,
    /// The product of this crisis.
    product: usize,
    n_products: usize,
    /// The viral post of this burst has been written.
    is_out: bool,
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

    /// Moves on to the next burst when this one is over. Whether it did.
    fn pass(&mut self, now: f64, (least, most): (f64, f64), dice: &mut Dice) -> bool {
        let is_over = now >= self.begins + self.seconds;
        if is_over {
            self.begins += least + (most - least) * dice.unit();
        }
        is_over
    }
}

impl Schedule {
    pub fn new(n_products: usize, dice: &mut Dice) -> Self {
        Self {
            crisis: Burst { begins: CRISIS_AFTER, seconds: CRISIS_SECONDS },
            viral: Burst { begins: VIRAL_AFTER, seconds: VIRAL_SECONDS },
            product: dice.below(n_products),
            n_products,
            is_out: false,
        }
    }

    /// Seconds from `now` to the next post, and what it is part of.
    pub fn next(&mut self, now: f64, rate: f64, dice: &mut Dice) -> (f64, Occasion) {
        if self.crisis.pass(now, CRISIS_EVERY, dice) {
            self.product = dice.below(self.n_products);
        }
        if self.viral.pass(now, VIRAL_EVERY, dice) {
            self.is_out = false;
        }
        let crisis = if self.crisis.holds(now) { CRISIS_SHARE } else { 0.0 };
        let viral = if self.viral.holds(now) { VIRAL_SHARE } else { 0.0 };
        let all = 1.0 + crisis + viral;
        let wait = dice.wait(rate * all);
        let which = dice.unit() * all;
        if which < crisis {
            return (wait, Occasion::Crisis(self.product));
        }
        if which >= crisis + viral {
            return (wait, Occasion::Everyday);
        }
        let occasion = if self.is_out { Occasion::Answer } else { Occasion::Viral };
        self.is_out = true;
        (wait, occasion)
    }
}
