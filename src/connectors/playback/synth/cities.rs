//! Cities in which generated authors live.

/// A city where authors live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct City {
    pub city: &'static str,
    pub country: &'static str,
    pub lat: f64,
    pub lon: f64,
    /// Relative number of authors who live in the city.
    pub weight: u32,
    /// How people write the city in their profiles.
    pub spellings: [&'static str; 3],
}

const fn city(
    city: &'static str,
    country: &'static str,
    at: (f64, f64),
    rest: (u32, [&'static str; 3]),
) -> City {
    City { city, country, lat: at.0, lon: at.1, weight: rest.0, spellings: rest.1 }
}

/// English-speaking cities have a higher weight because the posts are in English.
pub const CITIES: [City; 40] = [
    city("New York", "US", (40.71, -74.01), (9, ["NYC", "New York, NY", "Brooklyn, New York"])),
    city("Los Angeles", "US", (34.05, -118.24), (7, ["LA", "Los Angeles, CA", "Los Angeles, California"])),
    city("Chicago", "US", (41.88, -87.63), (5, ["Chicago", "Chicago, IL", "chicago illinois"])),
    city("Houston", "US", (29.76, -95.37), (4, ["Houston, TX", "Houston", "HTX"])),
    city("Austin", "US", (30.27, -97.74), (4, ["Austin, TX", "austin texas", "ATX"])),
    city("Seattle", "US", (47.61, -122.33), (4, ["Seattle, WA", "Seattle", "Seattle, Washington State"])),
    city("San Francisco", "US", (37.77, -122.42), (5, ["SF", "San Francisco, CA", "Bay Area"])),
    city("Boston", "US", (42.36, -71.06), (3, ["Boston, MA", "Boston", "Boston, Massachusetts"])),
    city("Atlanta", "US", (33.75, -84.39), (3, ["Atlanta, GA", "ATL", "Atlanta, Georgia"])),
    city("Miami", "US", (25.76, -80.19), (3, ["Miami, FL", "Miami", "Miami, Florida"])),
    city("Denver", "US", (39.74, -104.99), (2, ["Denver, CO", "Denver", "Denver, Colorado"])),
    city("Phoenix", "US", (33.45, -112.07), (2, ["Phoenix, AZ", "Phoenix", "Phoenix, Arizona"])),
    city("Toronto", "CA", (43.65, -79.38), (5, ["Toronto", "Toronto, Canada", "Toronto, ON"])),
    city("Vancouver", "CA", (49.28, -123.12), (3, ["Vancouver, BC", "Vancouver", "Vancouver 🇨🇦"])),
    city("Montreal", "CA", (45.50, -73.57), (2, ["Montréal", "Montreal, QC", "Montreal, Canada"])),
    city("London", "GB", (51.51, -0.13), (9, ["London, UK", "London", "London 🇬🇧"])),
    city("Manchester", "GB", (53.48, -2.24), (4, ["Manchester, UK", "Manchester", "Manchester, England"])),
    city("Birmingham", "GB", (52.48, -1.90), (2, ["Birmingham, UK", "Birmingham, England", "Birmingham"])),
    city("Glasgow", "GB", (55.86, -4.25), (2, ["Glasgow", "Glasgow, Scotland", "Glasgow, UK"])),
    city("Bristol", "GB", (51.45, -2.59), (2, ["Bristol", "Bristol, UK", "Bristol, England"])),
    city("Dublin", "IE", (53.35, -6.26), (3, ["Dublin", "Dublin, Ireland", "Dublin 🇮🇪"])),
    city("Sydney", "AU", (-33.87, 151.21), (4, ["Sydney", "Sydney, Australia", "Sydney, NSW"])),
    city("Melbourne", "AU", (-37.81, 144.96), (3, ["Melbourne", "Melbourne, VIC", "Melbourne, Australia"])),
    city("Brisbane", "AU", (-27.47, 153.03), (2, ["Brisbane", "Brisbane, QLD", "Brisbane, Australia"])),
    city("Auckland", "NZ", (-36.85, 174.76), (2, ["Auckland", "Auckland, New Zealand", "Auckland 🇳🇿"])),
    city("Cape Town", "ZA", (-33.92, 18.42), (2, ["Cape Town", "Cape Town, South Africa", "Cape Town 🇿🇦"])),
    city(
        "Johannesburg",
        "ZA",
        (-26.20, 28.05),
        (2, ["Joburg", "Johannesburg", "Johannesburg, South Africa"]),
    ),
    city("Lagos", "NG", (6.52, 3.38), (3, ["Lagos", "Lagos, Nigeria", "Lagos 🇳🇬"])),
    city("Nairobi", "KE", (-1.29, 36.82), (2, ["Nairobi", "Nairobi, Kenya", "Nairobi 🇰🇪"])),
    city("Mumbai", "IN", (19.08, 72.88), (4, ["Mumbai", "Mumbai, India", "Mumbai 🇮🇳"])),
    city("Delhi", "IN", (28.61, 77.21), (4, ["New Delhi", "Delhi, India", "New Delhi, India"])),
    city("Bengaluru", "IN", (12.97, 77.59), (4, ["Bangalore", "Bengaluru, India", "Bengaluru"])),
    city("Singapore", "SG", (1.35, 103.82), (3, ["Singapore", "singapore", "Singapore 🇸🇬"])),
    city("Manila", "PH", (14.60, 120.98), (3, ["Manila", "Manila, Philippines", "Metro Manila"])),
    city("Dubai", "AE", (25.20, 55.27), (2, ["Dubai", "Dubai, UAE", "Dubai 🇦🇪"])),
    city("Berlin", "DE", (52.52, 13.40), (2, ["Berlin", "Berlin, Germany", "Berlin, DE"])),
    city("Amsterdam", "NL", (52.37, 4.90), (2, ["Amsterdam", "Amsterdam, NL", "Amsterdam, the Netherlands"])),
    city("Stockholm", "SE", (59.33, 18.07), (2, ["Stockholm", "Stockholm, Sweden", "Stockholm 🇸🇪"])),
    city("Tokyo", "JP", (35.68, 139.69), (2, ["Tokyo", "Tokyo, Japan", "東京"])),
    city("São Paulo", "BR", (-23.55, -46.63), (2, ["São Paulo", "São Paulo, Brasil", "sao paulo 🇧🇷"])),
];
