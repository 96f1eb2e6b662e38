//! Cache of the latest figures for other programs, which read them from Redis.

use std::time::Duration;

use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::{Expiration, Value};

use super::StreamError;
use super::client::Client;
use super::keys::Keys;

/// Writes figures under the keys `sentiment:overall`, `sentiment:geo:{city}` and so on. Clones share the connection.
#[derive(Clone)]
pub struct Cache {
    client: Client,
    keys: Keys,
}

impl Cache {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Writes JSON under each key, in one round trip. Keys expire after `ttl`, so that figures about past topics
    /// disappear.
    pub async fn put(&self, entries: &[(String, String)], ttl: Duration) -> Result<(), StreamError> {
        if entries.is_empty() {
            return Ok(());
        }
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX).max(1);
        let pipeline = fred::clients::Client::clone(self.client.commands()).pipeline();
        let pipeline = pipeline.with_options(self.client.commands().options());
        for (key, json) in entries {
            let key = format!("{}{key}", self.keys.prefix);
            // Commands are queued here and sent below.
            let _: Value =
                pipeline.set(key, json.as_str(), Some(Expiration::EX(seconds)), None, false).await?;
        }
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    /// Returns the value of a key; `None` if it does not exist or has expired.
    pub async fn get(&self, key: &str) -> Result<Option<String>, StreamError> {
        Ok(self.client.commands().get(format!("{}{key}", self.keys.prefix)).await?)
    }
}
