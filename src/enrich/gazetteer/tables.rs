//! Compiled-in tables: lines of tab-separated columns.

use std::io::Read as _;

use flate2::read::GzDecoder;

pub const PLACES: &[u8] = include_bytes!("../data/places.tsv.gz");
pub const ADMIN1: &[u8] = include_bytes!("../data/admin1.tsv.gz");
pub const COUNTRIES: &str = include_str!("../data/countries.tsv");
pub const TERRITORIES: &str = include_str!("../data/territories.tsv");
pub const REGIONS: &str = include_str!("../data/regions.tsv");

/// Decompresses a table and returns its text, which lives as long as the process because the index points into it.
pub fn unpacked(table: &[u8]) -> &'static str {
    let mut text = String::new();
    // The tables are compiled in, and a test reads them.
    if GzDecoder::new(table).read_to_string(&mut text).is_err() {
        return "";
    }
    // Releases the spare capacity of the string.
    Box::leak(text.into_boxed_str())
}

/// Returns the rows that have `N` columns. A line that begins with `#` is a comment.
pub fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}
