//! Words that surround place names.

/// Words that carry no information about the location.
const FILLERS: [&str; 32] = [
    "in",
    "from",
    "based",
    "living",
    "live",
    "born",
    "raised",
    "greater",
    "downtown",
    "central",
    "the",
    "city",
    "of",
    "near",
    "now",
    "currently",
    "area",
    "metro",
    "metropolitan",
    "region",
    "native",
    "somewhere",
    "en",
    "de",
    // Parts of a city or region. Places such as `South Africa` are matched before these words are removed.
    "north",
    "south",
    "east",
    "west",
    "northern",
    "southern",
    "eastern",
    "western",
];

/// Words that introduce the place where an author lives now, after the place of origin.
const NOW: [&str; 5] = ["now", "currently", "living", "live", "based"];

/// Parts of the world whose names end in the name of a country that is not meant.
const CONTINENTS: [&str; 4] = ["north america", "south america", "central america", "latin america"];

/// Returns whether no word carries information about the location.
pub fn is_filler(words: &[&str]) -> bool {
    words.iter().all(|word| trimmed(word).is_empty() || is_any(&FILLERS, word))
}

/// Returns whether a part states where the author lives: `living in London`.
pub fn says_now(part: &str) -> bool {
    let mut words = part.split_whitespace();
    words.next().is_some_and(|word| is_any(&NOW, word)) && words.next().is_some()
}

/// Returns whether a part names a continent, so that no country may be read from it.
pub fn is_continent(part: &str) -> bool {
    CONTINENTS.iter().any(|continent| {
        let end = part.len().checked_sub(continent.len()).and_then(|start| part.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(continent))
    })
}

fn is_any(list: &[&str], word: &str) -> bool {
    let word = trimmed(word);
    list.iter().any(|listed| listed.eq_ignore_ascii_case(word))
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}
