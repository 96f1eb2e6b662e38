//! Splits a location at separators, and extracts flags and coordinates.

use super::super::gazetteer::{Area, Gazetteer};

/// Returns the parts between separators, each of which may name a place.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    let separators = |c| {
        matches!(
            c,
            ',' | '/'
                | '|'
                | ';'
                | '•'
                | '·'
                | '–'
                | '—'
                | '('
                | ')'
                | '\n'
                | '،'
                | '，'
                | '、'
                | '+'
                | '&'
                | '>'
                | '»'
        )
    };
    let parts = text.split(separators).flat_map(|part| part.split(" - "));
    parts.map(|part| part.trim_matches(|c: char| !c.is_alphanumeric())).filter(|part| !part.is_empty())
}

/// Replaces pictures with spaces, or with a separator if they represent a journey, and removes flags. Returns the text
/// and the countries of the flags.
///
/// The flag 🇬🇧 consists of the two letters of a country code; the flags of England, Scotland and Wales spell `gb` in
/// invisible letters.
pub fn without_flags(location: &str, gazetteer: &Gazetteer) -> (String, Vec<Area>) {
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
                text.push(match c {
                    c if is_journey(c) => '|',
                    c if is_picture(c) => ' ',
                    c => c,
                });
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

/// Returns the latitude and longitude in degrees, as apps write them: `ÜT: 52.5200,13.4050`.
pub fn coordinates(location: &str) -> Option<(f64, f64)> {
    // Most locations have no digits.
    if !location.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let numbers = location.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    let mut degrees = numbers.filter(|number| !number.is_empty()).map(|number| {
        let (_, decimals) = number.split_once('.')?;
        // With fewer decimals, which are kilometres, it is some other number, such as a version.
        if decimals.len() < 2 { None } else { number.parse::<f64>().ok() }
    });
    let (lat, lon) = (degrees.next()??, degrees.next()??);
    let are_valid = degrees.next().is_none() && lat.abs() <= 90.0 && lon.abs() <= 180.0;
    are_valid.then_some((lat, lon))
}

/// Returns whether a character separates two places: an aeroplane or an arrow.
fn is_journey(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x21FF | 0x2708 | 0x27A1 | 0x2794 | 0x2B05 | 0x1F6EB | 0x1F6EC)
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2600..=0x27BF | 0x1F300..=0x1FAFF | 0xFE0F | 0xE0020..=0xE007F)
}
