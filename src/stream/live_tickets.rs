//! Single-use tickets for live connections. Every process that uses the same Redis server accepts them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, SetOptions};
use sha2::{Digest, Sha256};

use super::StreamError;
use super::client::Client;
use super::keys::Keys;
use crate::models::principal::Principal;

/// Lifetime of a ticket. A browser connects as soon as it has requested one, so a ticket found later in a log or in the
/// browser history is worthless.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// Number of random bytes in a ticket: too many to guess within its lifetime.
const TICKET_BYTES: usize = 32;

/// Issues and redeems tickets, each for one principal.
///
/// Redis stores only the digest of a ticket, with its principal, so read access to Redis is not enough to connect.
#[derive(Clone)]
pub struct LiveTickets {
    client: Client,
    keys: Keys,
}

impl LiveTickets {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Issues a ticket to a principal. It can be used in a URL without escaping.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn issue(&self, principal: &Principal) -> Result<String, StreamError> {
        let ticket = URL_SAFE_NO_PAD.encode(rand::random::<[u8; TICKET_BYTES]>());
        let holder = serde_json::to_string(principal)
            .map_err(|error| StreamError::Refused(format!("cannot encode a principal as JSON: {error}")))?;
        self.keep(&ticket, holder, TICKET_LIFETIME).await?;
        Ok(ticket)
    }

    /// Redeems a ticket and returns the principal as it was when the ticket was issued. Returns `None` unless the ticket
    /// was issued under this prefix, has not expired and has not been redeemed before. It is read and deleted in one
    /// step, so only one of two concurrent attempts succeeds.
    ///
    /// An entry that is no principal, such as those of versions that stored none, is no ticket either.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn redeem(&self, ticket: &str) -> Result<Option<Principal>, StreamError> {
        let holder: Option<String> = self.client.commands().getdel(self.key(ticket)).await?;
        Ok(holder.and_then(|holder| serde_json::from_str(&holder).ok()))
    }

    async fn keep(&self, ticket: &str, holder: String, lifetime: Duration) -> Result<(), StreamError> {
        let lifetime = Expiration::PX(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        let set =
            self.client.commands().set(self.key(ticket), holder, Some(lifetime), Some(SetOptions::NX), false);
        Ok(set.await?)
    }

    fn key(&self, ticket: &str) -> String {
        format!("{}{}", self.keys.live_ticket, hex::encode(Sha256::digest(ticket.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::ShareLinkId;
    use crate::stream::tests::redis::Redis;
    use crate::stream::{Stream, StreamParams};

    #[tokio::test]
    async fn a_ticket_is_redeemed_once() {
        let redis = Redis::start();
        let tickets = redis.connect().await.live_tickets();
        let holders = [Principal::operator(), Principal::share_holder(ShareLinkId::now_v7())];
        let one = tickets.issue(&holders[0]).await.unwrap();
        let other = tickets.issue(&holders[1]).await.unwrap();
        assert_ne!(one, other);
        assert_eq!(tickets.redeem(&one).await.unwrap(), Some(holders[0]));
        assert_eq!(tickets.redeem(&one).await.unwrap(), None);
        assert_eq!(tickets.redeem("").await.unwrap(), None);
        // Another process with the same prefix learns whom the ticket was issued to.
        assert_eq!(redis.connect().await.live_tickets().redeem(&other).await.unwrap(), Some(holders[1]));
    }

    #[tokio::test]
    async fn of_concurrent_redemptions_one_succeeds() {
        let redis = Redis::start();
        let tickets = redis.connect().await.live_tickets();
        let ticket = tickets.issue(&Principal::operator()).await.unwrap();
        let shown = (0..50).map(|_| tickets.redeem(&ticket));
        let admitted = futures_util::future::try_join_all(shown).await.unwrap();
        assert_eq!(admitted.into_iter().flatten().count(), 1);
    }

    #[tokio::test]
    async fn tickets_of_another_prefix_and_expired_ones_are_refused() {
        let redis = Redis::start();
        let stream = redis.connect().await;
        let params = StreamParams { prefix: "other:".into(), ..stream.params.clone() };
        let elsewhere = Stream::connect(&params).await.unwrap().live_tickets();
        let tickets = stream.live_tickets();
        let holder = Principal::operator();
        let ticket = tickets.issue(&holder).await.unwrap();
        assert_eq!(elsewhere.redeem(&ticket).await.unwrap(), None);
        assert_eq!(tickets.redeem(&ticket).await.unwrap(), Some(holder));

        let stored = serde_json::to_string(&holder).unwrap();
        tickets.keep("short", stored, Duration::from_millis(1)).await.unwrap();
        let expires_in = |ticket: &str| tickets.client.commands().pttl::<i64, _>(tickets.key(ticket));
        // Until Redis itself reports that the key is gone (-2).
        while expires_in("short").await.unwrap() != -2 {}
        assert_eq!(tickets.redeem("short").await.unwrap(), None);

        let issued = tickets.issue(&holder).await.unwrap();
        let left_ms = expires_in(&issued).await.unwrap();
        assert!((1..=30_000).contains(&left_ms), "{left_ms} ms left");
    }

    /// Versions that stored no principal wrote `1`; a newer version may add identities or scopes.
    #[tokio::test]
    async fn an_entry_that_is_no_principal_is_no_ticket() {
        let redis = Redis::start();
        let tickets = redis.connect().await.live_tickets();
        let visitor = r#"{"identity":"visitor","role":"viewer","scopes":["read"]}"#;
        let scope = r#"{"identity":"operator","role":"admin","scopes":["read","fly"]}"#;
        for stored in ["1", "", "null", r#"{"identity":"operator"}"#, visitor, scope] {
            tickets.keep("ticket", stored.to_owned(), TICKET_LIFETIME).await.unwrap();
            assert_eq!(tickets.redeem("ticket").await.unwrap(), None, "{stored}");
            assert_eq!(redis.run(&["DBSIZE"]).trim(), "0", "{stored} is kept");
        }
    }

    #[tokio::test]
    async fn redis_holds_only_the_digest_of_a_ticket() {
        let redis = Redis::start();
        let stream = redis.connect().await;
        let ticket = stream.live_tickets().issue(&Principal::operator()).await.unwrap();
        let keys = redis.run(&["KEYS", "*"]);
        assert!(keys.contains("live_ticket:") && !keys.contains(&ticket), "{keys}");
    }
}
