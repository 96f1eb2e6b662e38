//! Locations of cities, learned from posts.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use deadpool_postgres::Transaction;

use crate::models::post::ScoredPost;
use crate::store::{Store, StoreError};

/// Maximum number of cities to remember as stored, and to return. If there are more, senders are inventing names, and
/// querying those costs less than remembering them.
const CITIES_KNOWN_MAX: usize = 20_000;

/// Stores the location of each city that is not stored yet. The first location of a city is kept.
///
/// Returns the cities to remember once the transaction has committed. Usually there are none, in which case this runs
/// no query. Cities are sorted by name, so that two processes never deadlock.
pub(in crate::store) async fn insert_new(
    store: &Store,
    transaction: &Transaction<'_>,
    new: &[&ScoredPost],
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "
        INSERT INTO places (city, country, lat, lon)
        SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[])
        ON CONFLICT DO NOTHING";
    let mut places = BTreeMap::new();
    {
        let known = store.known.cities.lock().unwrap_or_else(PoisonError::into_inner);
        for post in new.iter().map(|scored| &scored.post) {
            if let (Some(city), Some(lat), Some(lon)) = (&post.city, post.lat, post.lon)
                && !known.contains(city)
            {
                places.entry(city.as_str()).or_insert((post.country.as_deref(), lat, lon));
            }
        }
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let cities: Vec<&str> = places.keys().copied().collect();
    let countries: Vec<Option<&str>> = places.values().map(|place| place.0).collect();
    let lats: Vec<f64> = places.values().map(|place| place.1).collect();
    let lons: Vec<f64> = places.values().map(|place| place.2).collect();
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&cities, &countries, &lats, &lons]).await?;
    Ok(cities.into_iter().map(str::to_owned).collect())
}

/// Returns the latitude and longitude, in degrees, of up to `CITIES_KNOWN_MAX` stored cities.
pub async fn all(store: &Store) -> Result<Vec<(String, (f64, f64))>, StoreError> {
    const SQL: &str = "SELECT city, lat, lon FROM places LIMIT $1";
    let limit = i64::try_from(CITIES_KNOWN_MAX).unwrap_or(i64::MAX);
    let rows = store.query(SQL, &[&limit]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

impl Store {
    /// Remembers cities as stored, once the transaction that stored them has committed.
    pub(in crate::store) fn remember_cities(&self, cities: Vec<String>) {
        let mut known = self.known.cities.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < CITIES_KNOWN_MAX {
            known.extend(cities);
        }
    }
}
