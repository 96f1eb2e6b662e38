//! Large cities of the world, countries, and the regions that people write after a city name.
//!
//! About five hundred cities cover most of the locations that people write. Smaller towns are not guessed: posts from
//! them get a country, or no location.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Maximum distance between coordinates and the city assigned to them, in kilometres: within its metropolitan area.
pub const CITIES_WITHIN_KM: f64 = 40.0;

const CITIES: &str = include_str!("data/cities.tsv");
const COUNTRIES: &str = include_str!("data/countries.tsv");
const REGIONS: &str = include_str!("data/regions.tsv");

/// A city and its coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct City {
    /// The English name.
    pub name: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// The state or province, if people usually write one; otherwise empty.
    pub region: &'static str,
    /// Degrees, north positive.
    pub lat: f64,
    /// Degrees, east positive.
    pub lon: f64,
    /// Inhabitants, in thousands.
    pub thousands: u32,
}

/// One meaning of an area's name: `CA` is California, and Canada.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// A state or province of the country; empty for the whole country.
    pub region: &'static str,
}

impl Area {
    /// Returns whether the city lies in the area.
    pub fn holds(&self, city: &City) -> bool {
        self.country == city.country && (self.region.is_empty() || self.region == city.region)
    }
}

/// Index of cities and areas by name.
pub struct Gazetteer {
    cities: Vec<City>,
    /// Indices of the cities with each name, the largest city first.
    by_name: HashMap<String, Vec<usize>>,
    areas: HashMap<String, Vec<Area>>,
    /// Areas by code, in capitals as written: `in`, `de` and `me` are words.
    codes: HashMap<&'static str, Vec<Area>>,
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::read);

impl Gazetteer {
    /// Returns the shared gazetteer, which is parsed on first use.
    pub fn get() -> &'static Self {
        &GAZETTEER
    }

    /// Returns the cities with that name, the largest first. Names of two letters must be in capitals.
    pub fn cities_named(&self, name: &str) -> impl Iterator<Item = &City> {
        let plain = plain(name);
        let is_word = plain.len() <= 2 && name.chars().any(char::is_lowercase);
        let indices = self.by_name.get(&plain).filter(|_| !is_word);
        indices.into_iter().flatten().filter_map(|i| self.cities.get(*i))
    }

    /// Returns the largest city with that name, within `country` if one is given.
    pub fn city_named(&self, name: &str, country: Option<&str>) -> Option<&City> {
        self.cities_named(name).find(|city| country.is_none_or(|country| country == city.country))
    }

    /// Returns the nearest city within the given distance.
    pub fn city_near(&self, lat: f64, lon: f64, within_km: f64) -> Option<&City> {
        let distance = |city: &City| distance_km((lat, lon), (city.lat, city.lon));
        let nearest = self.cities.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(nearest) <= within_km).then_some(nearest)
    }

    /// Returns every country or region that the name or code may mean.
    pub fn areas_named(&self, name: &str) -> &[Area] {
        let name = name.trim();
        if let Some(areas) = self.codes.get(name.replace('.', "").as_str()) {
            return areas;
        }
        self.areas.get(&plain(name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the ISO code of a country given by code or name. An unknown code is returned unchanged.
    pub fn country_code(&self, country: &str) -> Option<String> {
        let country = country.trim();
        if country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(match country.to_ascii_uppercase().as_str() {
                "UK" => "GB".to_owned(),
                code => code.to_owned(),
            });
        }
        let whole = |area: &&Area| area.region.is_empty();
        self.areas_named(country).iter().find(whole).map(|area| area.country.to_owned())
    }

    /// Returns the country with that code, if the code exists.
    pub fn country(&self, code: &str) -> Option<Area> {
        self.codes.get(code)?.iter().find(|area| area.region.is_empty()).copied()
    }

    fn read() -> Self {
        let mut gazetteer = Self {
            cities: Vec::new(),
            by_name: HashMap::new(),
            areas: HashMap::new(),
            codes: HashMap::new(),
        };
        for [code, names] in rows(COUNTRIES) {
            gazetteer.add_area(Area { country: code, region: "" }, code, names);
        }
        for [country, code, names] in rows(REGIONS) {
            gazetteer.add_area(Area { country, region: code }, code, names);
        }
        for [name, others, country, region, lat, lon, thousands] in rows(CITIES) {
            let (Ok(lat), Ok(lon), Ok(thousands)) = (lat.parse(), lon.parse(), thousands.parse()) else {
                continue;
            };
            let i = gazetteer.cities.len();
            gazetteer.cities.push(City { name, country, region, lat, lon, thousands });
            for name in std::iter::once(name).chain(others.split('|')).map(plain).filter(|n| !n.is_empty()) {
                let same_name = gazetteer.by_name.entry(name).or_default();
                if !same_name.contains(&i) {
                    same_name.push(i);
                }
            }
        }
        let size = |i: &usize| gazetteer.cities.get(*i).map_or(0, |city| city.thousands);
        for same_name in gazetteer.by_name.values_mut() {
            same_name.sort_by_key(|i| std::cmp::Reverse(size(i)));
        }
        gazetteer
    }

    fn add_area(&mut self, area: Area, code: &'static str, names: &str) {
        self.codes.entry(code).or_default().push(area);
        for name in names.split('|') {
            // Short names such as `UK` double as codes.
            self.areas.entry(plain(name)).or_default().push(area);
        }
    }
}

/// Normalizes a name for comparison: removes accents, capitals and punctuation.
pub fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'đ' => plain.push('d'),
            'ı' => plain.push('i'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            // Dropped, so that `D.C.` becomes `DC` and `Xi'an` becomes `Xian`. Lower-casing İ leaves a combining dot.
            '.' | '\'' | '’' | '\u{307}' => {}
            c if c.is_alphanumeric() => plain.push(c),
            _ if plain.ends_with(' ') || plain.is_empty() => {}
            _ => plain.push(' '),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

fn distance_km((lat_a, lon_a): (f64, f64), (lat_b, lon_b): (f64, f64)) -> f64 {
    const KM_PER_DEGREE: f64 = 111.2;
    // Flat geometry suffices within a metropolitan area, except across the date line.
    let east = (lon_a - lon_b + 540.0).rem_euclid(360.0) - 180.0;
    let north = lat_a - lat_b;
    KM_PER_DEGREE * north.hypot(east * lat_a.to_radians().cos())
}
