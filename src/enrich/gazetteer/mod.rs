//! Cities of the world, countries, and the regions that people write after the name of a city.
//!
//! The cities come from GeoNames and, with their nicknames, from a hand-written list; `data/README.md` says how the
//! files are built. A city is looked up by the hash of its normalized name, so that the index stays small.

mod names; // normalized names
mod positions; // cities by position
mod tables; // the data

use std::collections::HashMap;
use std::sync::LazyLock;

use names::{hash, plain};
use positions::Positions;
use tables::{ADMIN1, COUNTRIES, PLACES, REGIONS, TERRITORIES, rows, unpacked};

/// Maximum distance in kilometres between coordinates and the city that they are assigned to: roughly the radius of its
/// metropolitan area.
pub const CITIES_WITHIN_KM: f64 = 40.0;

/// Maximum distance in kilometres to a city that is not in the hand-written list. Most of those are towns.
const TOWNS_WITHIN_KM: f64 = 10.0;

/// Length of a degree of latitude in kilometres.
const KM_PER_DEGREE: f64 = 111.2;

/// A city, from the compiled-in list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct City {
    /// Unique name under which posts are counted: `Birmingham` is the city in England, and `Birmingham, AL` the one in
    /// Alabama.
    pub key: &'static str,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: &'static str,
    /// Code of the state or province; empty if unknown.
    pub region: &'static str,
    /// Latitude in degrees; positive is north.
    pub lat: f32,
    /// Longitude in degrees; positive is east.
    pub lon: f32,
    /// Population in thousands, by which cities of the same name are ranked.
    pub thousands: u32,
    /// Whether the city is in the hand-written list of large cities.
    pub is_listed: bool,
}

/// City with one of its names.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// City that the name refers to.
    pub city: &'a City,
    /// Whether the name alone refers to this city. If not, a region or country must accompany it, because other cities
    /// have the same name, the city is small, or the name is also a word, such as `Nice`.
    pub alone: bool,
}

/// Country or region that a name can refer to. `CA` can refer to two: California and Canada.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: &'static str,
    /// State or province of the country; empty for the whole country.
    pub region: &'static str,
}

impl Area {
    /// Returns whether a city belongs to this country or region.
    pub fn holds(&self, city: &City) -> bool {
        self.country == city.country && (self.region.is_empty() || self.region == city.region)
    }
}

/// Name of a city in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    hash: u64,
    /// Index of the city. Cities are sorted by population, the largest first, and so are the cities of one name.
    city: u32,
    alone: bool,
}

/// Index of cities and areas, by name and by code.
pub struct Gazetteer {
    /// Sorted by population, the largest first.
    cities: Vec<City>,
    /// Sorted by hash. Two names have the same hash with a probability of about one in a billion.
    names: Vec<Name>,
    positions: Positions,
    areas: HashMap<String, Vec<Area>>,
    /// States and provinces of GeoNames. They count only after the name of a city within them, because names such as
    /// `Centre` are also words.
    regions: HashMap<String, Vec<Area>>,
    /// Areas by code, in capital letters, because `in`, `de` and `me` are also words.
    codes: HashMap<&'static str, Vec<Area>>,
    flags: HashMap<&'static str, Area>,
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::read);

impl Gazetteer {
    /// Returns the gazetteer shared by the whole process, which is built on first use.
    pub fn get() -> &'static Self {
        &GAZETTEER
    }

    /// Returns the cities with the given name, the largest first. Two-letter names must be in capital letters.
    pub fn cities_named(&self, name: &str) -> impl Iterator<Item = Named<'_>> {
        let plain = plain(name);
        let is_word = plain.len() <= 2 && name.chars().any(char::is_lowercase);
        let hash = hash(&plain);
        let start = self.names.partition_point(|name| name.hash < hash);
        let names = self.names.get(start..).filter(|_| !is_word && !plain.is_empty());
        let same_name = names.into_iter().flatten().take_while(move |name| name.hash == hash);
        same_name
            .filter_map(|name| Some(Named { city: self.cities.get(name.city as usize)?, alone: name.alone }))
    }

    /// Returns the largest city with the given name within `country`, or the city to which the name alone refers.
    pub fn city_named(&self, name: &str, country: Option<&str>) -> Option<&City> {
        let fits = |named: &Named<'_>| country.map_or(named.alone, |country| country == named.city.country);
        self.cities_named(name).find(fits).map(|named| named.city)
    }

    /// Returns the nearest large city within [`CITIES_WITHIN_KM`], otherwise the nearest town, which must be nearer.
    pub fn city_near(&self, lat: f64, lon: f64) -> Option<&City> {
        let distances = self.positions.around(lat, lon).filter_map(|i| {
            let city = self.cities.get(i as usize)?;
            Some((distance_km((lat, lon), (f64::from(city.lat), f64::from(city.lon))), city))
        });
        let near = distances
            .filter(|(km, city)| *km <= if city.is_listed { CITIES_WITHIN_KM } else { TOWNS_WITHIN_KM });
        let nearest =
            near.min_by(|(a, one), (b, other)| other.is_listed.cmp(&one.is_listed).then(a.total_cmp(b)));
        nearest.map(|(_, city)| city)
    }

    /// Returns every country or region to which a name or code can refer.
    pub fn areas_named(&self, name: &str) -> &[Area] {
        let name = name.trim();
        if name.len() <= 8
            && let Some(areas) = self.codes.get(name.replace('.', "").as_str())
        {
            return areas;
        }
        self.areas.get(&plain(name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the states and provinces with the given name, which is often also the name of a city, or a common word.
    pub fn regions_named(&self, name: &str) -> &[Area] {
        self.regions.get(&plain(name)).map(Vec::as_slice).unwrap_or_default()
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

    /// Returns the country with the given code; `None` if there is no such code.
    pub fn country(&self, code: &str) -> Option<Area> {
        self.flags.get(code).copied()
    }

    fn read() -> Self {
        let mut gazetteer = Self {
            cities: Vec::new(),
            names: Vec::new(),
            positions: Positions::default(),
            areas: HashMap::new(),
            regions: HashMap::new(),
            codes: HashMap::new(),
            flags: HashMap::new(),
        };
        for [code, names] in rows(COUNTRIES) {
            gazetteer.add_area(Area { country: code, region: "" }, code, names);
        }
        for [code, names] in rows(TERRITORIES) {
            gazetteer.flags.insert(code, Area { country: code, region: "" });
            gazetteer.add_area(Area { country: code, region: "" }, "", names);
        }
        for [country, code, names] in rows(REGIONS) {
            gazetteer.add_area(Area { country, region: code }, code, names);
        }
        for [country, region, name] in rows(unpacked(ADMIN1)) {
            let full = plain(name);
            // `Lagos State` is also written `Lagos`; `Provincia de Salta`, `Salta`.
            let short = KINDS.iter().find_map(|kind| full.strip_suffix(kind)).map(str::to_owned);
            for name in std::iter::once(full).chain(short) {
                gazetteer.regions.entry(name).or_default().push(Area { country, region });
            }
        }
        for [key, name, country, region, lat, lon, thousands, alone, qualified] in rows(unpacked(PLACES)) {
            gazetteer.add_city([key, name, country, region, lat, lon, thousands, alone, qualified]);
        }
        gazetteer.names.sort_unstable();
        gazetteer.names.dedup_by_key(|name| (name.hash, name.city));
        gazetteer.names.shrink_to_fit();
        gazetteer.positions = Positions::of(&gazetteer.cities);
        gazetteer
    }

    /// Adds a line of `places.tsv`. Before the country, `*` marks a city in the hand-written list, and `+` a city to
    /// which its name alone refers.
    fn add_city(&mut self, line: [&'static str; 9]) {
        let [key, name, signs, region, lat, lon, thousands, alone, qualified] = line;
        let (Ok(lat), Ok(lon), Ok(thousands)) = (lat.parse(), lon.parse(), thousands.parse()) else {
            return;
        };
        let Ok(i) = u32::try_from(self.cities.len()) else {
            return;
        };
        let country = signs.trim_start_matches(['*', '+', '-']);
        self.cities.push(City {
            key,
            country,
            region,
            lat,
            lon,
            thousands,
            is_listed: signs.starts_with('*'),
        });
        let own = (if name.is_empty() { key } else { name }, signs.contains('+'));
        let others =
            alone.split('|').map(|name| (name, true)).chain(qualified.split('|').map(|name| (name, false)));
        for (name, alone) in std::iter::once(own).chain(others) {
            let plain = plain(name);
            if !plain.is_empty() {
                self.names.push(Name { hash: hash(&plain), city: i, alone });
            }
        }
    }

    fn add_area(&mut self, area: Area, code: &'static str, names: &str) {
        if !code.is_empty() {
            self.codes.entry(code).or_default().push(area);
        }
        if !code.is_empty() && area.region.is_empty() {
            self.flags.insert(code, area);
        }
        for name in names.split('|') {
            // Short names such as `UK` double as codes.
            self.areas.entry(plain(name)).or_default().push(area);
        }
    }
}

/// Words for kinds of regions, which people omit.
const KINDS: [&str; 8] =
    [" state", " province", " department", " county", " region", " oblast", " prefecture", " governorate"];

/// Returns the distance in kilometres between two points, each a latitude and a longitude in degrees, up to a few hundred
/// kilometres apart.
pub fn distance_km((lat_a, lon_a): (f64, f64), (lat_b, lon_b): (f64, f64)) -> f64 {
    // Flat geometry suffices within a metropolitan area, except across the date line.
    let east = (lon_a - lon_b + 540.0).rem_euclid(360.0) - 180.0;
    let north = lat_a - lat_b;
    KM_PER_DEGREE * north.hypot(east * lat_a.to_radians().cos())
}

#[cfg(test)]
mod tests;
