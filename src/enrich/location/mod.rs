//! Parser of free-text locations, such as `Austin, TX`, `London 🇬🇧`, `based in NYC` or `somewhere over the rainbow`.
//!
//! It is deliberately strict: a word counts as a city only if everything around it is understood as well. Otherwise
//! `Nice people only` would be in France.

mod parts; // separators, flags and coordinates
mod words; // words around names

use super::gazetteer::{Area, City, Gazetteer, Named};
use parts::{coordinates, parts, without_flags};
use words::{is_continent, is_filler, says_now};

/// Maximum number of words in the name of a city.
const CITY_WORDS_MAX: usize = 5;

/// Maximum number of words in a location. A whole sentence is not one.
const WORDS_MAX: usize = 8;

/// Maximum length of a location in bytes. Networks allow about 30 to 100 characters; anything longer is not a location.
const BYTES_MAX: usize = 300;

/// How many times as large as the next city of that name a city must be to be meant by `Springfield, USA`.
const DOMINANCE: u32 = 2;

/// Codes of states that are also words in lower case, as in `portland or somewhere`.
const CODE_WORDS: [&str; 17] =
    ["in", "or", "me", "hi", "ok", "oh", "la", "ma", "pa", "de", "id", "al", "co", "as", "is", "no", "so"];

/// Location of a post, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Location {
    /// Name of the city, as written by the sender or as listed in the gazetteer, which has a unique name for each city:
    /// `Birmingham`, and `Birmingham, AL`.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: Option<String>,
    /// Latitude in degrees; positive is north.
    pub lat: Option<f64>,
    /// Longitude in degrees; positive is east.
    pub lon: Option<f64>,
}

/// Preferred meaning of a name such as `Lebanon`, before a city is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefer {
    /// The country, unless the name alone refers to a city.
    Areas,
    /// The town of that name.
    Towns,
}

/// Places named by the parts of a location that have been read so far.
#[derive(Debug, Default)]
struct Reading<'a> {
    /// Restrictions on the city: each part that names an area limits it to these areas.
    limits: Vec<Vec<Area>>,
    /// Candidates for the city, the largest first; empty if no part names one.
    cities: Vec<Named<'a>>,
    /// Whether the name of an area was also the name of a town.
    is_ambiguous: bool,
}

impl Location {
    fn at(city: &City) -> Self {
        Self {
            city: Some(city.key.to_owned()),
            country: Some(city.country.to_owned()),
            lat: Some(degrees(city.lat)),
            lon: Some(degrees(city.lon)),
        }
    }
}

/// Parses a location. Parts that are not understood are ignored rather than guessed. Of two places, the one where the
/// author claims to live now counts, otherwise the first.
pub fn read(location: &str) -> Location {
    if location.trim().is_empty() || location.len() > BYTES_MAX {
        return Location::default();
    }
    let gazetteer = Gazetteer::get();
    let position = coordinates(location);
    if let Some(city) = position.and_then(|(lat, lon)| gazetteer.city_near(lat, lon)) {
        return Location::at(city);
    }
    let (text, flags) = without_flags(location, gazetteer);
    let parts: Vec<&str> = parts(&text).filter(|part| !is_continent(part)).collect();
    if let Some(now) = parts.iter().skip(1).position(|part| says_now(part)) {
        let found = place_in(parts.get(now + 1..).unwrap_or_default(), &flags);
        if found.country.is_some() {
            return found;
        }
    }
    place_in(&parts, &flags)
}

fn place_in(parts: &[&str], flags: &[Area]) -> Location {
    let reading = Reading::of(parts, Prefer::Areas);
    let found = reading.place(flags);
    if found.country.is_some() || !reading.is_ambiguous {
        return found;
    }
    // `Lebanon, NH` does not name a place in the country of Lebanon.
    let found = Reading::of(parts, Prefer::Towns).place(flags);
    if found.city.is_some() { found } else { Location::default() }
}

impl<'a> Reading<'a> {
    fn of(parts: &[&str], prefer: Prefer) -> Self {
        let gazetteer = Gazetteer::get();
        let mut reading = Self::default();
        for part in parts {
            match reading.cities.is_empty() {
                true => reading.add_first(part, prefer, gazetteer),
                false => reading.add_after_city(part, gazetteer),
            }
        }
        reading
    }

    /// Adds a part before a city is found. If it can name a city or an area, it names a city if the name alone refers
    /// to it.
    fn add_first(&mut self, part: &str, prefer: Prefer, gazetteer: &'a Gazetteer) {
        let areas = areas_in(part, gazetteer);
        // `Western New York` is an area, although `New York` is a city.
        let is_area_only =
            !gazetteer.areas_named(part).is_empty() && gazetteer.cities_named(part).next().is_none();
        let Some((found, beside)) = cities_in(part, gazetteer).filter(|_| !is_area_only) else {
            self.limits.extend(areas);
            return;
        };
        let is_city = areas.is_empty() || beside.is_some() || found.iter().any(|named| named.alone);
        if is_city || prefer == Prefer::Towns {
            self.cities = found;
            self.limits.extend(beside);
            return;
        }
        self.is_ambiguous = true;
        self.limits.extend(areas);
    }

    fn add_after_city(&mut self, part: &str, gazetteer: &'a Gazetteer) {
        // After a city, two letters are a code in either case: `paris, tx`.
        let code = if part.len() == 2 { part.to_ascii_uppercase() } else { part.to_owned() };
        if let Some(areas) = areas_after(&self.cities, &code, gazetteer) {
            self.limits.push(areas);
            return;
        }
        if !self.limits.is_empty() || self.cities.iter().any(|named| named.alone) {
            return;
        }
        // Nothing determines which of the cities is meant, so they may be a part of this one: `Harlem, NYC`.
        if let Some((found, beside)) = cities_in(part, gazetteer)
            && (beside.is_some() || found.iter().any(|named| named.alone))
        {
            self.cities = found;
            self.limits.extend(beside);
        }
    }

    fn place(&self, flags: &[Area]) -> Location {
        let mut limits = self.limits.clone();
        // Two flags are often those of the author's parents, so they reveal nothing about the city.
        if let [flag] = flags {
            limits.push(vec![*flag]);
        }
        if let Some(city) = city_within(&limits, &self.cities) {
            return Location::at(city);
        }
        if flags.len() > 1 {
            limits.extend(flags.iter().map(|flag| vec![*flag]));
        }
        let country = common_country(&limits, &self.cities);
        Location { country: country.map(str::to_owned), ..Location::default() }
    }
}

/// Returns the city that is meant. Without limits, it is the largest city to which its name alone refers; otherwise,
/// the largest within the limits, if it is much larger than the next.
fn city_within<'a>(limits: &[Vec<Area>], cities: &[Named<'a>]) -> Option<&'a City> {
    let within =
        |named: &&Named<'_>| limits.iter().all(|areas| areas.iter().any(|area| area.holds(named.city)));
    if limits.is_empty() {
        return cities.iter().find(|named| named.alone).map(|named| named.city);
    }
    let mut fitting = cities.iter().filter(within);
    let largest = fitting.next()?;
    let next = fitting.next().map_or(0, |named| named.city.thousands);
    let is_clear = largest.alone || largest.city.thousands >= DOMINANCE.saturating_mul(next);
    is_clear.then_some(largest.city)
}

/// Rounds to hundredths of a degree, the precision of the list: widening alone would add digits.
pub fn degrees(degrees: f32) -> f64 {
    (f64::from(degrees) * 100.0).round() / 100.0
}

/// Returns the areas named by words after cities. Regions whose names are also words or cities count only if one of the
/// cities is there: `Seattle, Washington`, but not `London, New York`.
fn areas_after(cities: &[Named<'_>], words: &str, gazetteer: &Gazetteer) -> Option<Vec<Area>> {
    let areas = gazetteer.areas_named(words);
    if !areas.is_empty() {
        return Some(areas.to_vec());
    }
    let regions = gazetteer.regions_named(words);
    let is_near = cities.iter().any(|named| regions.iter().any(|region| region.holds(named.city)));
    is_near.then(|| regions.to_vec())
}

/// Returns the areas that make up a part, such as `California` or `California USA`.
fn areas_in(part: &str, gazetteer: &Gazetteer) -> Vec<Vec<Area>> {
    let whole = gazetteer.areas_named(part);
    if !whole.is_empty() {
        return vec![whole.to_vec()];
    }
    let words: Vec<&str> = part.split_whitespace().collect();
    let start = words.iter().take_while(|word| is_filler(&[word])).count();
    let words = words.get(start..).unwrap_or_default();
    if words.is_empty() || words.len() > WORDS_MAX {
        return Vec::new();
    }
    for n_words in (1..=words.len()).rev() {
        let (first, second) = words.split_at_checked(n_words).unwrap_or_default();
        let first = gazetteer.areas_named(&first.join(" "));
        let second_areas = gazetteer.areas_named(&second.join(" "));
        if !first.is_empty() && is_filler(second) {
            return vec![first.to_vec()];
        }
        if !first.is_empty() && !second_areas.is_empty() {
            return vec![first.to_vec(), second_areas.to_vec()];
        }
    }
    Vec::new()
}

/// Returns the only country that is consistent with all limits; `None` for `Georgia` alone. After a town, even an
/// unknown one, a region is more likely than a country: `Cambridge, MA` is not in Morocco.
fn common_country(limits: &[Vec<Area>], cities: &[Named<'_>]) -> Option<&'static str> {
    let (first, others) = limits.split_first()?;
    let agreed = |area: &&Area| others.iter().all(|areas| areas.iter().any(|a| a.country == area.country));
    let region = first.iter().filter(agreed).find(|area| !cities.is_empty() && !area.region.is_empty());
    if let Some(region) = region {
        return Some(region.country);
    }
    let mut countries = first.iter().filter(agreed).map(|area| area.country);
    let country = countries.next()?;
    countries.all(|other| other == country).then_some(country)
}

/// Returns the cities to which a part can refer, and the area named with them, as in `London England`.
fn cities_in<'a>(part: &str, gazetteer: &'a Gazetteer) -> Option<(Vec<Named<'a>>, Option<Vec<Area>>)> {
    let words: Vec<&str> = part.split_whitespace().collect();
    if words.len() > WORDS_MAX {
        return None;
    }
    for n_words in (1..=words.len().min(CITY_WORDS_MAX)).rev() {
        for (start, window) in words.windows(n_words).enumerate() {
            // `Central` is also a city.
            if is_filler(window) {
                continue;
            }
            let cities: Vec<Named<'_>> = gazetteer.cities_named(&window.join(" ")).collect();
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
            let area = match after {
                [code] if code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase()) => {
                    lower_case_code(code, &cities, gazetteer)
                }
                after => areas_after(&cities, &after.join(" "), gazetteer),
            };
            if area.is_some() {
                return Some((cities, area));
            }
        }
    }
    None
}

/// Returns the areas of a lower-case code after a city: `austin tx`. A code that is also a word counts only if one of
/// the cities is there: `portland or`, but not `paris or`.
fn lower_case_code(code: &str, cities: &[Named<'_>], gazetteer: &Gazetteer) -> Option<Vec<Area>> {
    let areas = gazetteer.areas_named(&code.to_ascii_uppercase());
    let is_near = || cities.iter().any(|named| areas.iter().any(|area| area.holds(named.city)));
    let counts = !areas.is_empty() && (!CODE_WORDS.contains(&code) || is_near());
    counts.then(|| areas.to_vec())
}

#[cfg(test)]
mod tests;
