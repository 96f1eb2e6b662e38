//! Where generated people live.

/// A city people write from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Home {
    pub city: &'static str,
    pub country: &'static str,
    pub lat: f64,
    pub lon: f64,
    /// How many of the authors live there.
    pub weight: u32,
    /// What they write as their location.
    pub written: [&'static str; 3],
}

const fn home(
    city: &'static str,
    country: &'static str,
    at: (f64, f64),
    rest: (u32, [&'static str; 3]),
) -> Home {
    Home { city, country, lat: at.0, lon: at.1, weight: rest.0, written: rest.1 }
}

/// English-speaking cities weigh more: the posts are in English.
pub const HOMES: [Home; 40] = [
    home("New York", "US", (40.71, -74.01), (9, ["NYC", "New York, NY", "Brooklyn, New York"])),
    home("Los Angeles", "US", (34.05, -118.24), (7, ["LA", "Los Angeles, CA", "Los Angeles, California"])),
    home("Chicago", "US", (41.88, -87.63), (5, ["Chicago", "Chicago, IL", "chicago illinois"])),
    home("Houston", "US", (29.76, -95.37), (4, ["Houston, TX", "Houston", "HTX"])),
    home("Austin", "US", (30.27, -97.74), (4, ["Austin, TX", "austin texas", "ATX"])),
    home("Seattle", "US", (47.61, -122.33), (4, ["Seattle, WA", "Seattle", "Seattle, Washington State"])),
    home("San Francisco", "US", (37.77, -122.42), (5, ["SF", "San Francisco, CA", "Bay Area"])),
    home("Boston", "US", (42.36, -71.06), (3, ["Boston, MA", "Boston", "Boston, Massachusetts"])),
    home("Atlanta", "US", (33.75, -84.39), (3, ["Atlanta, GA", "ATL", "Atlanta, Georgia"])),
    home("Miami", "US", (25.76, -80.19), (3, ["Miami, FL", "Miami", "Miami, Florida"])),
    home("Denver", "US", (39.74, -104.99), (2, ["Denver, CO", "Denver", "Denver, Colorado"])),
    home("Phoenix", "US", (33.45, -112.07), (2, ["Phoenix, AZ", "Phoenix", "Phoenix, Arizona"])),
    home("Toronto", "CA", (43.65, -79.38), (5, ["Toronto", "Toronto, Canada", "Toronto, ON"])),
    home("Vancouver", "CA", (49.28, -123.12), (3, ["Vancouver, BC", "Vancouver", "Vancouver 🇨🇦"])),
    home("Montreal", "CA", (45.50, -73.57), (2, ["Montréal", "Montreal, QC", "Montreal, Canada"])),
    home("London", "GB", (51.51, -0.13), (9, ["London, UK", "London", "London 🇬🇧"])),
    home("Manchester", "GB", (53.48, -2.24), (4, ["Manchester, UK", "Manchester", "Manchester, England"])),
    home("Birmingham", "GB", (52.48, -1.90), (2, ["Birmingham, UK", "Birmingham, England", "Birmingham"])),
    home("Glasgow", "GB", (55.86, -4.25), (2, ["Glasgow", "Glasgow, Scotland", "Glasgow, UK"])),
    home("Bristol", "GB", (51.45, -2.59), (2, ["Bristol", "Bristol, UK", "Bristol, England"])),
    home("Dublin", "IE", (53.35, -6.26), (3, ["Dublin", "Dublin, Ireland", "Dublin 🇮🇪"])),
    home("Sydney", "AU", (-33.87, 151.21), (4, ["Sydney", "Sydney, Australia", "Sydney, NSW"])),
    home("Melbourne", "AU", (-37.81, 144.96), (3, ["Melbourne", "Melbourne, VIC", "Melbourne, Australia"])),
    home("Brisbane", "AU", (-27.47, 153.03), (2, ["Brisbane", "Brisbane, QLD", "Brisbane, Australia"])),
    home("Auckland", "NZ", (-36.85, 174.76), (2, ["Auckland", "Auckland, New Zealand", "Auckland 🇳🇿"])),
    home("Cape Town", "ZA", (-33.92, 18.42), (2, ["Cape Town", "Cape Town, South Africa", "Cape Town 🇿🇦"])),
    home(
        "Johannesburg",
        "ZA",
        (-26.20, 28.05),
        (2, ["Joburg", "Johannesburg", "Johannesburg, South Africa"]),
    ),
    home("Lagos", "NG", (6.52, 3.38), (3, ["Lagos", "Lagos, Nigeria", "Lagos 🇳🇬"])),
    home("Nairobi", "KE", (-1.29, 36.82), (2, ["Nairobi", "Nairobi, Kenya", "Nairobi 🇰🇪"])),
    home("Mumbai", "IN", (19.08, 72.88), (4, ["Mumbai", "Mumbai, India", "Mumbai 🇮🇳"])),
    home("Delhi", "IN", (28.61, 77.21), (4, ["New Delhi", "Delhi, India", "New Delhi, India"])),
    home("Bengaluru", "IN", (12.97, 77.59), (4, ["Bangalore", "Bengaluru, India", "Bengaluru"])),
    home("Singapore", "SG", (1.35, 103.82), (3, ["Singapore", "singapore", "Singapore 🇸🇬"])),
    home("Manila", "PH", (14.60, 120.98), (3, ["Manila", "Manila, Philippines", "Metro Manila"])),
    home("Dubai", "AE", (25.20, 55.27), (2, ["Dubai", "Dubai, UAE", "Dubai 🇦🇪"])),
    home("Berlin", "DE", (52.52, 13.40), (2, ["Berlin", "Berlin, Germany", "Berlin, DE"])),
    home("Amsterdam", "NL", (52.37, 4.90), (2, ["Amsterdam", "Amsterdam, NL", "Amsterdam, the Netherlands"])),
    home("Stockholm", "SE", (59.33, 18.07), (2, ["Stockholm", "Stockholm, Sweden", "Stockholm 🇸🇪"])),
    home("Tokyo", "JP", (35.68, 139.69), (2, ["Tokyo", "Tokyo, Japan", "東京"])),
    home("São Paulo", "BR", (-23.55, -46.63), (2, ["São Paulo", "São Paulo, Brasil", "sao paulo 🇧🇷"])),
];
