//! Who writes: a few thousand people who keep their names, homes and followers.

use crate::models::post::Author;

use super::places::{HOMES, Home};
use super::seeded_rng::Dice;

/// How many there are. Some write often: a tenth of them write a third of the posts.
const N_AUTHORS: usize = 6_000;

const FIRST: [&str; 24] = [
    "quiet", "sunny", "salty", "lucky", "tiny", "brave", "lazy", "cosmic", "rusty", "velvet", "north",
    "paper", "neon", "mellow", "rapid", "wild", "golden", "frosty", "plain", "honest", "loud", "curious",
    "late", "urban",
];
const SECOND: [&str; 24] = [
    "otter", "panda", "kettle", "harbor", "pixel", "raven", "maple", "comet", "badger", "lantern", "willow",
    "falcon", "teapot", "biscuit", "walrus", "meadow", "piano", "cactus", "sparrow", "pebble", "engine",
    "garden", "noodle", "ferry",
];

/// Somebody, always the same for the same number.
pub struct Person {
    pub author: Author,
    pub home: &'static Home,
}

/// Somebody; those with low numbers more often.
pub fn somebody(seed: u64, dice: &mut Dice) -> Option<Person> {
    let among = dice.below(N_AUTHORS) + 1;
    let number = dice.below(among);
    let mut own = Dice::new(seed ^ (u64::try_from(number).unwrap_or_default() << 20));
    let home = own.weighted(&HOMES, |home| home.weight)?;
    let handle = format!("{}_{}{}", own.word(&FIRST), own.word(&SECOND), own.between(1, 99));
    let followers = own.heavy_tailed(180.0);
    // Many people write no location, and of those who do, few write it alike.
    let location = own.happens(0.7).then(|| own.word(&home.written).to_owned());
    let author =
        Author { id: Some(format!("u{number}")), handle: Some(handle), followers: Some(followers), location };
    Some(Person { author, home })
}
