//! Generated authors: a few thousand people, each always with the same name, home and number of followers.

use crate::models::post::Author;

use super::cities::{CITIES, City};
use super::seeded_rng::SeededRng;

/// Number of authors. A tenth of them write a third of the posts.
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

/// A generated author. The same number always yields the same person.
pub struct Person {
    pub author: Author,
    pub home: &'static City,
}

/// Picks an author. Those with low numbers are picked more often.
pub fn random_author(seed: u64, rng: &mut SeededRng) -> Option<Person> {
    let among = rng.below(N_AUTHORS) + 1;
    let number = rng.below(among);
    let mut author_rng = SeededRng::new(seed ^ (u64::try_from(number).unwrap_or_default() << 20));
    let home = author_rng.weighted(&CITIES, |home| home.weight)?;
    let handle =
        format!("{}_{}{}", author_rng.word(&FIRST), author_rng.word(&SECOND), author_rng.between(1, 99));
    let followers = author_rng.heavy_tailed(180.0);
    // Many people state no location; the others write it in different ways.
    let location = author_rng.happens(0.7).then(|| author_rng.word(&home.spellings).to_owned());
    let author =
        Author { id: Some(format!("u{number}")), handle: Some(handle), followers: Some(followers), location };
    Some(Person { author, home })
}
