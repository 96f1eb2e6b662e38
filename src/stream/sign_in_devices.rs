//! Devices on which people have signed in. A sign-in on one of them is not delayed by failures elsewhere.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fred::types::Value;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::StreamError;
use super::client::{Client, Script};
use super::keys::Keys;
use crate::models::account::Email;

/// Time after its last sign-in at which a device is forgotten.
pub const DEVICE_LIFETIME: Duration = Duration::from_secs(180 * 86_400);

/// Maximum number of devices of one account; the one with the oldest sign-in is forgotten.
const DEVICES_MAX: usize = 20;

/// Number of random bytes in a device's secret: too many to guess.
const SECRET_BYTES: usize = 32;

/// Knows devices by a secret in a cookie. Clones share the connection.
///
/// Redis stores only digests. A secret signs nobody in: all it does is to lift the delays that others caused.
#[derive(Clone)]
pub struct SignInDevices {
    client: Client,
    keys: Keys,
}

impl SignInDevices {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Returns whether somebody has signed in to the account with this secret in the cookie.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn is_known(&self, account: &Email, secret: &str, now: Timestamp) -> Result<bool, StreamError> {
        const LUA: &str = "return redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0'";
        let key = self.key(account);
        let args = vec![Value::from(digest_of(secret))];
        let seen_ms: f64 = self.client.eval(Script { lua: LUA, keys: &[&key] }, args).await?.convert()?;
        Ok(seen_ms > oldest_ms(now) as f64)
    }

    /// Remembers the device of a person who has just signed in. Returns the secret for its cookie: the one that it
    /// presented if that is known, and otherwise a new one, because a site next to ours can set cookies too.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn remember(
        &self,
        account: &Email,
        known: Option<String>,
        now: Timestamp,
    ) -> Result<String, StreamError> {
        const LUA: &str = "
            redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
            redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
            redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[4]))
            redis.call('PEXPIRE', KEYS[1], ARGV[5])
            return 1";
        let secret = known.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>()));
        let key = self.key(account);
        let args = vec![
            Value::from(now.as_millisecond().to_string()),
            Value::from(digest_of(&secret)),
            Value::from(oldest_ms(now).to_string()),
            Value::from(DEVICES_MAX.to_string()),
            Value::from(DEVICE_LIFETIME.as_millis().to_string()),
        ];
        self.client.eval(Script { lua: LUA, keys: &[&key] }, args).await?;
        Ok(secret)
    }

    fn key(&self, account: &Email) -> String {
        format!("{}{}", self.keys.devices_of, digest_of(account.as_str()))
    }
}

fn digest_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Returns the time of the last sign-in of a device that is about to be forgotten, in milliseconds.
fn oldest_ms(now: Timestamp) -> i64 {
    now.as_millisecond().saturating_sub(i64::try_from(DEVICE_LIFETIME.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::stream::tests::redis::Redis;

    #[tokio::test]
    async fn a_device_is_known_to_the_accounts_that_signed_in_with_it() {
        let redis = Redis::start();
        let devices = redis.connect().await.sign_in_devices();
        let now = Timestamp::now();
        let [ana, bo]: [Email; 2] = ["ana@example.com", "bo@example.com"].map(|email| email.parse().unwrap());
        let secret = devices.remember(&ana, None, now).await.unwrap();
        assert!(devices.is_known(&ana, &secret, now).await.unwrap());
        assert!(!devices.is_known(&bo, &secret, now).await.unwrap());
        assert!(!devices.is_known(&ana, "invented", now).await.unwrap());
        assert_eq!(devices.remember(&ana, Some(secret.clone()), now).await.unwrap(), secret);
        let half_a_year = now + SignedDuration::from_hours(180 * 24);
        assert!(!devices.is_known(&ana, &secret, half_a_year).await.unwrap());
        let everything = redis.run(&["ZRANGE", &devices.key(&ana), "0", "-1"]);
        assert!(!everything.contains(&secret), "the secret is stored");
    }

    #[tokio::test]
    async fn the_device_with_the_oldest_sign_in_is_forgotten() {
        let redis = Redis::start();
        let devices = redis.connect().await.sign_in_devices();
        let (ana, now) = ("ana@example.com".parse::<Email>().unwrap(), Timestamp::now());
        let first = devices.remember(&ana, None, now).await.unwrap();
        for n in 1..DEVICES_MAX as i64 {
            devices.remember(&ana, None, now + SignedDuration::from_secs(n)).await.unwrap();
        }
        let later = now + SignedDuration::from_mins(1);
        assert!(devices.is_known(&ana, &first, later).await.unwrap());
        let last = devices.remember(&ana, None, later).await.unwrap();
        assert!(!devices.is_known(&ana, &first, later).await.unwrap());
        assert!(devices.is_known(&ana, &last, later).await.unwrap());
    }
}
