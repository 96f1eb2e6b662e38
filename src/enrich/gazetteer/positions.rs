//! Index of cities by position, so that a point is compared with only the few cities around it.

use super::{CITIES_WITHIN_KM, City, KM_PER_DEGREE};

/// Positions of the cities, sorted by degree of latitude, then by longitude.
#[derive(Debug, Default)]
pub struct Positions(Vec<Position>);

#[derive(Debug, Clone, Copy)]
struct Position {
    /// Latitude in degrees, rounded down.
    band: f64,
    /// Longitude in degrees.
    lon: f64,
    /// Index of the city.
    city: u32,
}

impl Positions {
    /// Sorts the positions of cities.
    pub fn of(cities: &[City]) -> Self {
        let position = |(city, found): (u32, &City)| Position {
            band: f64::from(found.lat).floor(),
            lon: f64::from(found.lon),
            city,
        };
        let mut positions: Vec<Position> = (0..).zip(cities).map(position).collect();
        positions.sort_by(|a, b| a.band.total_cmp(&b.band).then(a.lon.total_cmp(&b.lon)));
        Self(positions)
    }

    /// Returns the indices of all cities within [`CITIES_WITHIN_KM`] of a point, and of some that are farther away.
    pub fn around(&self, lat: f64, lon: f64) -> impl Iterator<Item = u32> {
        let north = CITIES_WITHIN_KM / KM_PER_DEGREE;
        // Meridians meet at the poles, where there are no cities.
        let east = north / lat.to_radians().cos().max(0.01);
        let (first, last) = ((lat - north).floor(), (lat + north).floor());
        let bands = std::iter::once(first).chain((first < last).then_some(last));
        // The date line runs through Fiji, for example.
        let strips = bands.flat_map(move |band| [-360.0, 0.0, 360.0].map(|turn| (band, lon + turn)));
        strips.flat_map(move |(band, lon)| {
            let start = self.0.partition_point(|at| (at.band, at.lon) < (band, lon - east));
            let strip = self.0.get(start..).into_iter().flatten();
            strip.take_while(move |at| (at.band, at.lon) <= (band, lon + east)).map(|at| at.city)
        })
    }
}
