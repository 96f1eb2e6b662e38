//! Parser of free-text locations: `Austin, TX`, `London 🇬🇧`, `based in NYC`, `somewhere over the rainbow`.
//!
//! Deliberately strict: a word counts as a city only if everything around it is understood as well; otherwise `Nice
//! people only` would be in France.

use super::gazetteer::{Area, City, Gazetteer};

/// Words that say nothing about the location.
const FILLERS: [&str; 24] = [
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
];

/// Maximum number of words in a city name.
const CITY_WORDS_MAX: usize = 5;

/// Maximum number of words in a location; a sentence is not a location.
const WORDS_MAX: usize = 8;

/// A post's location, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Location {
    /// The city.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Degrees, north positive.
    pub lat: Option<f64>,
    /// Degrees, east positive.
    pub lon: Option<f64>,
}

/// Parses a location. Guesses nothing: parts that it does not understand are ignored.
pub fn read(location: &str) -> Location {
    if location.trim().is_empty() {
        return Location::default();
    }
    let gazetteer = Gazetteer::get();
    let (text, flags) = without_flags(location, gazetteer);
    // Each part that names an area restricts the city to these areas.
    let mut limits: Vec<Vec<Area>> = flags.into_iter().map(|area| vec![area]).collect();
    let mut cities: Option<Vec<&City>> = None;
    for part in parts(&text) {
        // After a city, two letters are a code in either case: `paris, tx`.
        let is_code = cities.is_some() && part.len() == 2;
        let areas = gazetteer.areas_named(&if is_code { part.to_ascii_uppercase() } else { part.to_owned() });
        // After a city, as in `New York, NY`, a part names the area. Before one, a city is more likely.
        let found = if cities.is_none() || areas.is_empty() { cities_in(part, gazetteer) } else { None };
        if let Some((found, beside)) = found {
            cities.get_or_insert(found);
            limits.extend(beside);
        } else if !areas.is_empty() {
            limits.push(areas.to_vec());
        }
    }
    let fits = |city: &&&City| limits.iter().all(|areas| areas.iter().any(|area| area.holds(city)));
    if let Some(city) = cities.iter().flatten().find(fits) {
        return Location {
            city: Some(city.name.to_owned()),
            country: Some(city.country.to_owned()),
            lat: Some(city.lat),
            lon: Some(city.lon),
        };
    }
    let country = common_country(&limits, cities.is_some());
    Location { country: country.map(str::to_owned), ..Location::default() }
}

/// Returns the one country that all limits agree on; `Georgia` alone has none. After a town, even an unknown one, a
/// region is more likely than a country: `Cambridge, MA` is not in Morocco.
fn common_country(limits: &[Vec<Area>], after_city: bool) -> Option<&'static str> {
    let (first, others) = limits.split_first()?;
    let agreed = |area: &&Area| others.iter().all(|areas| areas.iter().any(|a| a.country == area.country));
    let region = first.iter().filter(agreed).find(|area| after_city && !area.region.is_empty());
    if let Some(region) = region {
        return Some(region.country);
    }
    let mut countries = first.iter().filter(agreed).map(|area| area.country);
    let country = countries.next()?;
    countries.all(|other| other == country).then_some(country)
}

/// Returns the cities that a part may mean, and the area named with it, as in `London England`.
fn cities_in<'a>(part: &str, gazetteer: &'a Gazetteer) -> Option<(Vec<&'a City>, Option<Vec<Area>>)> {
    let words: Vec<&str> = part.split_whitespace().collect();
    if words.len() > WORDS_MAX {
        return None;
    }
    for n_words in (1..=words.len().min(CITY_WORDS_MAX)).rev() {
        for (start, window) in words.windows(n_words).enumerate() {
            let cities: Vec<&City> = gazetteer.cities_named(&window.join(" ")).collect();
            if cities.is_empty() {
                continue;
            }
            let before = words.get(..start).unwrap_or_default();
            let after = words.get(start + n_words..).unwrap_or_default();
            if !is_filler(before) {
                continue;
            }
            if is_filler(after) {
                return Some((cities, None));
            }
            let areas = gazetteer.areas_named(&after.join(" "));
            if !areas.is_empty() {
                return Some((cities, Some(areas.to_vec())));
            }
        }
    }
    None
}

fn is_filler(words: &[&str]) -> bool {
    words.iter().all(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        word.is_empty() || FILLERS.contains(&word.as_str())
    })
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    let separators = |c| {
        matches!(
            c,
            ',' | '/' | '|' | ';' | '•' | '·' | '–' | '—' | '(' | ')' | '\n' | '，' | '、' | '+' | '&'
        )
    };
    let parts = text.split(separators).flat_map(|part| part.split(" - "));
    parts.map(|part| part.trim_matches(|c: char| !c.is_alphanumeric())).filter(|part| !part.is_empty())
}

/// Removes flags: `🇬🇧` consists of the two letters of a code. The flags of England, Scotland and Wales spell `gb` in
/// invisible letters.
fn without_flags(location: &str, gazetteer: &Gazetteer) -> (String, Vec<Area>) {
    let mut text = String::with_capacity(location.len());
    let mut flags = Vec::new();
    let mut code = String::new();
    for c in location.chars() {
        let letter = match u32::from(c) {
            n @ 0x1F1E6..=0x1F1FF => {
                // Two flags may be adjacent.
                if code.len() == 2 {
                    code.clear();
                }
                n - 0x1F1E6
            }
            // The letters after the country, as in `gbsct`, name a part of it.
            0xE0061..=0xE007A if code.len() == 2 => continue,
            n @ 0xE0061..=0xE007A => n - 0xE0061,
            _ => {
                code.clear();
                text.push(if is_picture(c) { ' ' } else { c });
                continue;
            }
        };
        code.extend(char::from_u32(u32::from('A') + letter));
        if code.len() == 2 {
            flags.extend(gazetteer.country(&code));
        }
    }
    flags.dedup();
    (text, flags)
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2600..=0x27BF | 0x1F300..=0x1FAFF | 0xFE0F | 0xE0020..=0xE007F)
}
