//! Passes for one live connection each, known to every process that shares the Redis.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, SetOptions};
use sha2::{Digest, Sha256};

use super::StreamError;
use super::client::Client;
use super::keys::Keys;

/// How long a ticket may wait to be used. A browser asks for one and connects at once; what is found later, in a log
/// or a history, is worth nothing.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// Random bytes in a ticket: far too many to guess within its lifetime.
const TICKET_BYTES: usize = 32;

/// Issues tickets and takes them back.
///
/// Redis holds only the digest of a ticket, so whoever can read Redis cannot connect with what is found there.
#[derive(Clone)]
pub struct LiveTickets {
    client: Client,
    keys: Keys,
}

impl LiveTickets {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// A new ticket, as text that needs no escaping in an address.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn issue(&self) -> Result<String, StreamError> {
        let ticket = URL_SAFE_NO_PAD.encode(rand::random::<[u8; TICKET_BYTES]>());
        self.keep(&ticket, TICKET_LIFETIME).await?;
        Ok(ticket)
    }

    /// Whether this is a ticket that was issued under this prefix, has not expired and was not used before. It is used
    /// now: reading and removing are one step, so of two who show it at the same moment one is refused.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn redeem(&self, ticket: &str) -> Result<bool, StreamError> {
        let held: Option<String> = self.client.commands().getdel(self.key(ticket)).await?;
        Ok(held.is_some())
    }

    async fn keep(&self, ticket: &str, lifetime: Duration) -> Result<(), StreamError> {
        let lifetime = Expiration::PX(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        let set =
            self.client.commands().set(self.key(ticket), "1", Some(lifetime), Some(SetOptions::NX), false);
        Ok(set.await?)
    }

    fn key(&self, ticket: &str) -> String {
        format!("{}{}", self.keys.live_ticket, hex::encode(Sha256::digest(ticket.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::tests::redis::Redis;
    use crate::stream::{Stream, StreamParams};

    #[tokio::test]
    async fn a_ticket_lets_one_in_and_only_once() {
        let redis = Redis::start();
        let tickets = redis.connect().await.live_tickets();
        let (one, other) = (tickets.issue().await.unwrap(), tickets.issue().await.unwrap());
        assert_ne!(one, other);
        assert!(tickets.redeem(&one).await.unwrap());
        assert!(!tickets.redeem(&one).await.unwrap());
        assert!(!tickets.redeem("").await.unwrap());
        // Another process of the same prefix takes it as well.
        assert!(redis.connect().await.live_tickets().redeem(&other).await.unwrap());
    }

    #[tokio::test]
    async fn of_many_who_show_a_ticket_at_once_one_is_let_in() {
        let redis = Redis::start();
        let tickets = redis.connect().await.live_tickets();
        let ticket = tickets.issue().await.unwrap();
        let shown = (0..50).map(|_| tickets.redeem(&ticket));
        let admitted = futures_util::future::try_join_all(shown).await.unwrap();
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    }

    #[tokio::test]
    async fn a_ticket_of_another_prefix_and_one_that_expired_let_nobody_in() {
        let redis = Redis::start();
        let stream = redis.connect().await;
        let params = StreamParams { prefix: "other:".into(), ..stream.params.clone() };
        let elsewhere = Stream::connect(&params).await.unwrap().live_tickets();
        let tickets = stream.live_tickets();
        let ticket = tickets.issue().await.unwrap();
        assert!(!elsewhere.redeem(&ticket).await.unwrap());
        assert!(tickets.redeem(&ticket).await.unwrap());

        tickets.keep("short", Duration::from_millis(1)).await.unwrap();
        let expires_in = |ticket: &str| tickets.client.commands().pttl::<i64, _>(tickets.key(ticket));
        // Until Redis itself says that the key is gone (-2).
        while expires_in("short").await.unwrap() != -2 {}
        assert!(!tickets.redeem("short").await.unwrap());

        let issued = tickets.issue().await.unwrap();
        let left_ms = expires_in(&issued).await.unwrap();
        assert!((1..=30_000).contains(&left_ms), "{left_ms} ms left");
    }

    #[tokio::test]
    async fn redis_never_holds_what_lets_somebody_in() {
        let redis = Redis::start();
        let stream = redis.connect().await;
        let ticket = stream.live_tickets().issue().await.unwrap();
        let keys = redis.ask(&["KEYS", "*"]);
        assert!(keys.contains("live_ticket:") && !keys.contains(&ticket), "{keys}");
    }
}
