//! Posts that failed alone, three times, and were taken out of everybody's way.

use bytes::Bytes;
use fred::interfaces::StreamsInterface;
use fred::types::Value;
use serde::Serialize;
use utoipa::ToSchema;

use super::StreamError;
use super::client::{Client, Script};
use super::entry::{self, EntryId};
use super::keys::Keys;

/// Entries read at a time when all are replayed.
const REPLAYED_AT_ONCE: u64 = 100;

/// Lists and replays what died.
#[derive(Clone)]
pub struct DeadLetters {
    client: Client,
    keys: Keys,
}

/// A post that died, or what was left of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Its name among the dead letters; replay by it.
    pub id: String,
    /// What it died of.
    pub reason: String,
    /// Attempts made at it alone; 0 when it could not be read at all.
    pub attempts: u32,
    /// Its name in the stream.
    pub original_id: String,
    /// When the last attempt failed, RFC 3339.
    pub died_at: String,
    /// Where it came in, where it said so.
    pub source: Option<String>,
    /// When it was accepted, where it said so.
    pub received_at: Option<String>,
    /// The post as it was sent: JSON, unless that is what it died of.
    pub post: Option<String>,
}

/// Some dead letters, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetterPage {
    /// The letters.
    pub items: Vec<DeadLetter>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

impl DeadLetters {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// How many there are.
    pub async fn count(&self) -> Result<u64, StreamError> {
        Ok(self.client.commands().xlen(&self.keys.dead).await?)
    }

    /// Up to `limit` of them, newest first, from `cursor` on.
    pub async fn list(&self, cursor: Option<&EntryId>, limit: u64) -> Result<DeadLetterPage, StreamError> {
        // The parenthesis excludes the cursor itself.
        let end = cursor.map_or_else(|| "+".to_owned(), |id| format!("({id}"));
        let found: Value =
            self.client.commands().xrevrange(&self.keys.dead, end, "-", Some(limit.max(1))).await?;
        let items: Vec<DeadLetter> =
            found.into_array().into_iter().map(read).collect::<Result<_, StreamError>>()?;
        let is_full = u64::try_from(items.len()).is_ok_and(|n| n == limit.max(1));
        let next_cursor = items.last().filter(|_| is_full).map(|letter| letter.id.clone());
        Ok(DeadLetterPage { items, next_cursor })
    }

    /// Puts the given letters back into the stream, and answers how many were still there.
    pub async fn replay(&self, ids: &[EntryId]) -> Result<u64, StreamError> {
        // The first four pairs are the obituary; the rest is the entry as it was.
        const LUA: &str = "
            local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
            if not found or #found[2] < 10 then return 0 end
            redis.call('XADD', KEYS[1], '*', unpack(found[2], 9))
            return redis.call('XDEL', KEYS[2], ARGV[1])";

        let mut n_replayed = 0;
        for id in ids {
            let script = Script { lua: LUA, keys: &[&self.keys.stream, &self.keys.dead] };
            let moved: u64 = self.client.eval(script, vec![Value::from(id.as_str())]).await?.convert()?;
            n_replayed += moved;
        }
        Ok(n_replayed)
    }

    /// Puts all letters back into the stream that are there now. Those that die of it again meanwhile are
    /// left for the next time.
    pub async fn replay_all(&self) -> Result<u64, StreamError> {
        let newest: Value = self.client.commands().xrevrange(&self.keys.dead, "+", "-", Some(1)).await?;
        let Some(newest) = newest.into_array().into_iter().next() else {
            return Ok(0);
        };
        let (last, _) = entry::split(newest)?;
        let mut n_replayed = 0;
        let mut start = "-".to_owned();
        loop {
            let commands = self.client.commands();
            let found: Value = commands
                .xrange(&self.keys.dead, start.as_str(), last.as_str(), Some(REPLAYED_AT_ONCE))
                .await?;
            let mut ids = Vec::new();
            for letter in found.into_array() {
                ids.push(entry::split(letter)?.0);
            }
            let Some(end) = ids.last() else {
                return Ok(n_replayed);
            };
            start = format!("({end}");
            n_replayed += self.replay(&ids).await?;
        }
    }
}

fn read(letter: Value) -> Result<DeadLetter, StreamError> {
    let (id, fields) = entry::split(letter)?;
    let field = |name: &str| -> Option<String> {
        let found = fields.iter().find(|(candidate, _): &&(Bytes, Bytes)| candidate == name.as_bytes())?;
        Some(String::from_utf8_lossy(&found.1).into_owned())
    };
    Ok(DeadLetter {
        id: id.as_str().to_owned(),
        reason: field("reason").unwrap_or_default(),
        attempts: field("attempts").and_then(|n| n.parse().ok()).unwrap_or_default(),
        original_id: field("original_id").unwrap_or_default(),
        died_at: field("died_at").unwrap_or_default(),
        source: field("source"),
        received_at: field("received_at"),
        post: field("post"),
    })
}
