//! Accuracy of the places found in labelled locations: precision and recall by country and by city.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::enrich::{CITIES_WITHIN_KM, Location, distance_km, place_of};

/// A location and the place that a human reader recognizes in it, as defined by `tests/fixtures/places/README.md`.
#[derive(Debug, Clone, Deserialize)]
pub struct Labelled {
    /// Location as an author writes it.
    pub location: String,
    country: Option<String>,
    city: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
}

/// Precision and recall over labelled locations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Number of locations that name such a place.
    pub n_labelled: usize,
    /// Number of locations in which any place was found.
    pub n_found: usize,
    /// Number of locations in which the labelled place was found.
    pub n_right: usize,
}

/// Comparison of the places that were found with the labels.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Accuracy {
    /// Number of locations.
    pub n_locations: usize,
    /// Number of locations that name no place.
    pub n_nowhere: usize,
    /// Number of locations that name no place but for which one was found.
    pub n_nowhere_found: usize,
    /// By country.
    pub country: Tally,
    /// By city. A city found where only a country is labelled is wrong.
    pub city: Tally,
    /// Each location with a wrong or missing country or city, with the result and the label.
    #[serde(skip)]
    pub errors: Vec<String>,
}

impl Labelled {
    /// Reads a file of labelled locations, tab-separated, with a header.
    ///
    /// # Errors
    /// If the file is missing or malformed.
    pub fn read(path: &Path) -> anyhow::Result<Vec<Self>> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .quoting(false)
            .from_path(path)
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        let labelled = reader.deserialize().collect::<Result<Vec<Self>, _>>()?;
        anyhow::ensure!(!labelled.is_empty(), "`{}` contains no locations", path.display());
        Ok(labelled)
    }

    fn has_country(&self, found: &Location) -> bool {
        found.country.is_some() && found.country == self.country
    }

    /// Returns whether the labelled city was found. Compares positions, because names differ between languages.
    fn has_city(&self, found: &Location) -> bool {
        let (Some(lat), Some(lon), Some(found_lat), Some(found_lon)) =
            (self.lat, self.lon, found.lat, found.lon)
        else {
            return false;
        };
        self.has_country(found) && distance_km((lat, lon), (found_lat, found_lon)) <= CITIES_WITHIN_KM
    }
}

impl Tally {
    /// Returns the share of the found places that are right, 0 to 1.
    pub fn precision(&self) -> f64 {
        self.n_right as f64 / self.n_found.max(1) as f64
    }

    /// Returns the share of the labelled places that were found, 0 to 1.
    pub fn recall(&self) -> f64 {
        self.n_right as f64 / self.n_labelled.max(1) as f64
    }
}

impl Accuracy {
    /// Looks up each location and compares the result with its label.
    pub fn of(labelled: &[Labelled]) -> Self {
        let mut accuracy = Self { n_locations: labelled.len(), ..Self::default() };
        for label in labelled {
            accuracy.add(label, &place_of(&label.location));
        }
        accuracy
    }

    fn add(&mut self, label: &Labelled, found: &Location) {
        let (has_country, has_city) = (label.has_country(found), label.has_city(found));
        self.n_nowhere += usize::from(label.country.is_none());
        self.n_nowhere_found += usize::from(label.country.is_none() && found.country.is_some());
        self.country.n_labelled += usize::from(label.country.is_some());
        self.country.n_found += usize::from(found.country.is_some());
        self.country.n_right += usize::from(has_country);
        self.city.n_labelled += usize::from(label.city.is_some());
        self.city.n_found += usize::from(found.city.is_some());
        self.city.n_right += usize::from(has_city);
        let country_is_right = has_country || label.country == found.country;
        let city_is_right = has_city || (label.city.is_none() && found.city.is_none());
        if !country_is_right || !city_is_right {
            let place = |city: &Option<String>, country: &Option<String>| {
                format!("{} {}", city.as_deref().unwrap_or("-"), country.as_deref().unwrap_or("-"))
            };
            self.errors.push(format!(
                "{}: {} instead of {}",
                label.location,
                place(&found.city, &found.country),
                place(&label.city, &label.country),
            ));
        }
    }
}

#[cfg(test)]
mod tests;
