//! Sessions of the dashboard. Every process that uses the same Redis server accepts them, and each ends everywhere at
//! once.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, SetOptions, Value};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::StreamError;
use super::client::{Client, Script};
use super::keys::Keys;
use crate::models::id::{SessionId, UserId};
use crate::models::session::Session;

/// Time after its last request at which a session ends: long enough to be signed in again after a holiday's week.
pub const IDLE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Time after the sign-in at which a session ends, however much it is used. A stolen cookie is worth no more than that.
pub const LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// Maximum number of sessions of one person. The oldest ends when one more begins, so that a script that signs in again
/// and again does not fill Redis.
pub const SESSIONS_MAX: usize = 50;

/// Interval at which a session that is in use is written. Shorter intervals would cost a write for most requests.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Number of random bytes in a session's secret: too many to guess.
const SECRET_BYTES: usize = 32;

/// Length of a UUID in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Maximum length of a browser's description of itself, in characters.
const AGENT_CHARS_MAX: usize = 256;

/// Person who signs in, and from where.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Person who signs in.
    pub user: UserId,
    /// Address from which the person signs in.
    pub address: Option<IpAddr>,
    /// Browser that signs in, as it describes itself. A long description is cut.
    pub agent: Option<String>,
}

/// Begins, finds and ends sessions. Clones share the connection.
///
/// Redis stores only the digest of a session's secret, so read access to Redis is not enough to use a session.
#[derive(Clone)]
pub struct Sessions {
    client: Client,
    keys: Keys,
}

/// Entry of a session in Redis.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    session: Session,
    /// SHA-256 of the secret, in hexadecimal digits.
    digest: String,
}

impl Sessions {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Begins a session. Returns it with the value of its cookie, which contains the secret.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn begin(&self, new: NewSession, now: Timestamp) -> Result<(Session, String), StreamError> {
        // The new session is counted as well. Sessions that have ended are forgotten on the way.
        const LUA: &str = "
            redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
            redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
            redis.call('PEXPIRE', KEYS[2], ARGV[5])
            local living = {}
            for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
                if redis.call('EXISTS', ARGV[6] .. id) == 1 then
                    table.insert(living, id)
                else
                    redis.call('ZREM', KEYS[2], id)
                end
            end
            for i = 1, #living - tonumber(ARGV[7]) do
                redis.call('DEL', ARGV[6] .. living[i])
                redis.call('ZREM', KEYS[2], living[i])
            end
            return 1";
        let id = SessionId::now_v7();
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>());
        let session = Session {
            id,
            user: new.user,
            created_at: now,
            last_seen_at: now,
            address: new.address,
            agent: new.agent.map(|agent| agent.chars().take(AGENT_CHARS_MAX).collect()),
        };
        let stored = encode(&Stored { session: session.clone(), digest: digest_of(&secret) })?;
        let (key, index) = (self.key(id), self.index(new.user));
        let args = vec![
            Value::from(stored),
            Value::from(millis(IDLE_MAX).to_string()),
            Value::from(now.as_millisecond().to_string()),
            Value::from(id.to_string()),
            Value::from(millis(LIFETIME).to_string()),
            Value::from(self.keys.session.as_str()),
            Value::from(SESSIONS_MAX.to_string()),
        ];
        self.client.eval(Script { lua: LUA, keys: &[&key, &index] }, args).await?;
        Ok((session, format!("{}{secret}", Uuid::from(id).simple())))
    }

    /// Returns the session of a cookie, and notes that it is in use. Returns `None` if the session has ended or never
    /// existed.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn find(&self, cookie: &str, now: Timestamp) -> Result<Option<Session>, StreamError> {
        let Some((id, secret)) = parts_of(cookie) else {
            return Ok(None);
        };
        let Some(mut stored) = self.read(id).await? else {
            return Ok(None);
        };
        let left = stored.session.created_at + LIFETIME - now;
        if !equal(&stored.digest, &digest_of(secret)) || left.is_negative() || left.is_zero() {
            return Ok(None);
        }
        if now.duration_since(stored.session.last_seen_at)
            >= SignedDuration::try_from(TOUCH_EVERY).unwrap_or_default()
        {
            stored.session.last_seen_at = now;
            self.touch(&stored, now).await?;
        }
        Ok(Some(stored.session))
    }

    /// Extends the life of a session that is in use. If the session has ended meanwhile, it stays ended.
    async fn touch(&self, stored: &Stored, now: Timestamp) -> Result<(), StreamError> {
        let left = (stored.session.created_at + LIFETIME).as_millisecond() - now.as_millisecond();
        let lifetime = Expiration::PX(millis(IDLE_MAX).min(left));
        let (key, value) = (self.key(stored.session.id), encode(stored)?);
        let options = Some(SetOptions::XX);
        let _: Value = self.client.commands().set(key, value, Some(lifetime), options, false).await?;
        Ok(())
    }

    /// Returns the session with this id; `None` if it has ended.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn get(&self, id: SessionId) -> Result<Option<Session>, StreamError> {
        Ok(self.read(id).await?.map(|stored| stored.session))
    }

    /// Returns which of these sessions have not ended.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn living(&self, ids: &[SessionId]) -> Result<HashSet<SessionId>, StreamError> {
        const LUA: &str = "
            local found = {}
            for i, key in ipairs(KEYS) do found[i] = redis.call('EXISTS', key) end
            return found";
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: Vec<String> = ids.iter().map(|id| self.key(*id)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found: Vec<u64> =
            self.client.eval(Script { lua: LUA, keys: &keys }, Vec::new()).await?.convert()?;
        Ok(ids.iter().zip(found).filter(|(_, found)| *found == 1).map(|(id, _)| *id).collect())
    }

    /// Returns a person's sessions, the newest first.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn list(&self, user: UserId) -> Result<Vec<Session>, StreamError> {
        const LUA: &str = "
            local found = {}
            for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
                local session = redis.call('GET', ARGV[1] .. id)
                if session then table.insert(found, session) end
            end
            return found";
        let index = self.index(user);
        let args = vec![Value::from(self.keys.session.as_str())];
        let found: Vec<String> =
            self.client.eval(Script { lua: LUA, keys: &[&index] }, args).await?.convert()?;
        Ok(found.iter().filter_map(|stored| decode(stored)).map(|stored| stored.session).collect())
    }

    /// Ends a session, and returns whether it had not ended before.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn end(&self, id: SessionId) -> Result<bool, StreamError> {
        let n_deleted: u64 = self.client.commands().del(self.key(id)).await?;
        Ok(n_deleted > 0)
    }

    /// Ends all sessions of a person but one, and returns their number.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn end_all(&self, user: UserId, but: Option<SessionId>) -> Result<u64, StreamError> {
        const LUA: &str = "
            local n_ended = 0
            for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
                if id ~= ARGV[2] then
                    n_ended = n_ended + redis.call('DEL', ARGV[1] .. id)
                    redis.call('ZREM', KEYS[1], id)
                end
            end
            return n_ended";
        let index = self.index(user);
        let but = but.map(|but| but.to_string()).unwrap_or_default();
        let args = vec![Value::from(self.keys.session.as_str()), Value::from(but)];
        Ok(self.client.eval(Script { lua: LUA, keys: &[&index] }, args).await?.convert()?)
    }

    async fn read(&self, id: SessionId) -> Result<Option<Stored>, StreamError> {
        let stored: Option<String> = self.client.commands().get(self.key(id)).await?;
        Ok(stored.and_then(|stored| decode(&stored)))
    }

    fn key(&self, id: SessionId) -> String {
        format!("{}{id}", self.keys.session)
    }

    fn index(&self, user: UserId) -> String {
        format!("{}{user}", self.keys.sessions_of)
    }
}

/// Returns the id and the secret that a cookie names; `None` if it names none.
fn parts_of(cookie: &str) -> Option<(SessionId, &str)> {
    let (id, secret) = cookie.split_at_checked(ID_DIGITS)?;
    let is_plain = id.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some((id.parse().ok().filter(|_| is_plain)?, secret))
}

fn digest_of(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Compares in a time that does not depend on where the texts differ.
fn equal(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

fn encode(stored: &Stored) -> Result<String, StreamError> {
    serde_json::to_string(stored)
        .map_err(|error| StreamError::Refused(format!("cannot encode a session as JSON: {error}")))
}

/// Returns `None` for what another version stored in another form: such a session has ended.
fn decode(stored: &str) -> Option<Stored> {
    serde_json::from_str(stored).ok()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::tests::redis::Redis;
    use crate::stream::{Stream, StreamParams};

    fn new(user: UserId) -> NewSession {
        let address = Some("192.0.2.7".parse().unwrap());
        NewSession { user, address, agent: Some("Browser/1".to_owned()) }
    }

    #[tokio::test]
    async fn a_session_is_found_by_its_cookie_alone_in_every_process() {
        let redis = Redis::start();
        let sessions = redis.connect().await.sessions();
        let (user, now) = (UserId::now_v7(), Timestamp::now());
        let (session, cookie) = sessions.begin(new(user), now).await.unwrap();
        assert_eq!((session.user, session.agent.as_deref()), (user, Some("Browser/1")));
        let elsewhere = redis.connect().await.sessions();
        assert_eq!(elsewhere.find(&cookie, now).await.unwrap(), Some(session.clone()));
        assert_eq!(elsewhere.list(user).await.unwrap(), std::slice::from_ref(&session));
        let (_, other) = sessions.begin(new(user), now).await.unwrap();
        let mixed = format!("{}{}", &cookie[..ID_DIGITS], &other[ID_DIGITS..]);
        for wrong in
            ["", "x", &cookie[..ID_DIGITS], &cookie[1..], &format!("{cookie}x"), &mixed, &"ü".repeat(40)]
        {
            assert_eq!(sessions.find(wrong, now).await.unwrap(), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_ended_session_is_not_found_and_not_revived_by_its_use() {
        let redis = Redis::start();
        let sessions = redis.connect().await.sessions();
        let (user, now) = (UserId::now_v7(), Timestamp::now());
        let (session, cookie) = sessions.begin(new(user), now).await.unwrap();
        let (kept, kept_cookie) = sessions.begin(new(user), now).await.unwrap();
        let in_use = sessions.read(session.id).await.unwrap().unwrap();
        assert!(sessions.end(session.id).await.unwrap());
        assert!(!sessions.end(session.id).await.unwrap());
        sessions.touch(&in_use, now).await.unwrap();
        assert_eq!(sessions.find(&cookie, now).await.unwrap(), None);
        assert_eq!(sessions.get(session.id).await.unwrap(), None);
        assert_eq!(sessions.living(&[session.id, kept.id]).await.unwrap(), HashSet::from([kept.id]));
        let (_, third) = sessions.begin(new(user), now).await.unwrap();
        let (stranger, _) = sessions.begin(new(UserId::now_v7()), now).await.unwrap();
        assert_eq!(sessions.end_all(user, Some(kept.id)).await.unwrap(), 1);
        assert_eq!(sessions.find(&third, now).await.unwrap(), None);
        assert_eq!(sessions.find(&kept_cookie, now).await.unwrap(), Some(kept));
        assert_eq!(sessions.end_all(user, None).await.unwrap(), 1);
        assert_eq!(sessions.list(user).await.unwrap(), []);
        assert_eq!(sessions.get(stranger.id).await.unwrap(), Some(stranger));
    }

    #[tokio::test]
    async fn a_session_ends_a_week_after_its_last_use_and_a_month_after_the_sign_in() {
        let redis = Redis::start();
        let sessions = redis.connect().await.sessions();
        let began_at = Timestamp::now();
        let (session, cookie) = sessions.begin(new(UserId::now_v7()), began_at).await.unwrap();
        let life_ms =
            async || sessions.client.commands().pttl::<i64, _>(sessions.key(session.id)).await.unwrap();
        let week_ms = millis(IDLE_MAX);
        assert!((week_ms - 60_000..=week_ms).contains(&life_ms().await));
        let after = |hours: i64| began_at + SignedDuration::from_hours(hours);
        let seen = sessions.find(&cookie, after(1)).await.unwrap().unwrap();
        assert_eq!(seen.last_seen_at, after(1));
        // A second later it is not written again.
        let again = after(1) + SignedDuration::from_secs(1);
        assert_eq!(sessions.find(&cookie, again).await.unwrap().unwrap().last_seen_at, after(1));
        // In its last hour, it lives for no longer than that.
        assert!(sessions.find(&cookie, after(30 * 24 - 1)).await.unwrap().is_some());
        assert!((1..=3_600_000).contains(&life_ms().await));
        assert_eq!(sessions.find(&cookie, after(30 * 24)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_oldest_session_ends_when_there_are_too_many() {
        let redis = Redis::start();
        let sessions = redis.connect().await.sessions();
        let (user, now) = (UserId::now_v7(), Timestamp::now());
        let mut begun = Vec::new();
        for n in 0..SESSIONS_MAX as i64 {
            let at = now + SignedDuration::from_millis(n);
            begun.push(sessions.begin(new(user), at).await.unwrap().0.id);
        }
        // A session that has ended takes no place.
        assert!(sessions.end(begun[3]).await.unwrap());
        sessions.begin(new(user), now + SignedDuration::from_secs(1)).await.unwrap();
        assert!(sessions.get(begun[0]).await.unwrap().is_some());
        sessions.begin(new(user), now + SignedDuration::from_secs(2)).await.unwrap();
        assert!(sessions.get(begun[0]).await.unwrap().is_none());
        assert!(sessions.get(begun[1]).await.unwrap().is_some());
        assert_eq!(sessions.list(user).await.unwrap().len(), SESSIONS_MAX);
    }

    #[tokio::test]
    async fn sessions_of_another_prefix_and_entries_of_another_form_are_none() {
        let redis = Redis::start();
        let stream = redis.connect().await;
        let params = StreamParams { prefix: "other:".into(), ..stream.params.clone() };
        let elsewhere = Stream::connect(&params).await.unwrap().sessions();
        let (sessions, now) = (stream.sessions(), Timestamp::now());
        let (session, cookie) = sessions.begin(new(UserId::now_v7()), now).await.unwrap();
        assert_eq!(elsewhere.find(&cookie, now).await.unwrap(), None);
        let stored = redis.run(&["GET", &sessions.key(session.id)]);
        assert!(!stored.contains(&cookie[ID_DIGITS..]), "the secret is stored: {stored}");
        for other in ["1", "null", r#"{"id":"x"}"#] {
            redis.run(&["SET", &sessions.key(session.id), other]);
            assert_eq!(sessions.find(&cookie, now).await.unwrap(), None, "{other}");
        }
    }
}
