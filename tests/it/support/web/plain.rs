//! A plain client, for the tests of the hosts themselves.

use std::collections::HashMap;

use serde_json::Value;

/// What a host answered.
#[derive(Debug)]
pub struct Plain {
    pub status: u16,
    /// With names in lower case.
    pub headers: HashMap<String, String>,
    pub text: String,
}

impl Plain {
    /// Returns the body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Returns a header, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Returns a client that keeps its connections.
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Sends a request, and reads the answer to its end.
pub async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Plain> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let headers = response.headers().iter().map(text).collect();
    Ok(Plain { status, headers, text: response.text().await? })
}
