//! Dead letters: entries that were removed from the stream because they could not be decoded or because every attempt
//! at them alone failed.

use fred::interfaces::StreamsInterface;
use fred::types::Value;
use serde::Serialize;
use utoipa::ToSchema;

use super::StreamError;
use super::client::{Client, Script};
use super::entry::{self, EntryId};
use super::flow::Flow;

/// Number of dead letters read at a time while all of them are replayed.
const REPLAYED_AT_ONCE: u64 = 100;

/// Lists dead letters, and appends them to the stream again.
#[derive(Clone)]
pub struct DeadLetters {
    client: Client,
    flow: Flow,
}

/// Post that could not be processed, with everything that could be decoded from its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Id to use when replaying the dead letter.
    pub id: String,
    /// Error from the last attempt, or the reason why the entry could not be decoded.
    pub reason: String,
    /// Number of attempts at this post alone; 0 if the entry could not be decoded.
    pub attempts: u32,
    /// Id that the entry had in the stream.
    pub original_id: String,
    /// Time of the last failure, in RFC 3339 format.
    pub died_at: String,
    /// Source of the post; null if the entry does not name it.
    pub source: Option<String>,
    /// Time at which the post was accepted; null if the entry does not state it.
    pub received_at: Option<String>,
    /// Post as it was sent; null if it is missing. It is JSON, unless the entry was rejected for not being JSON.
    pub post: Option<String>,
}

/// Page of dead letters, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetterPage {
    /// Dead letters on this page.
    pub items: Vec<DeadLetter>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl DeadLetters {
    pub(super) fn new(client: Client, flow: Flow) -> Self {
        Self { client, flow }
    }

    /// Returns the number of dead letters in Redis.
    pub async fn count(&self) -> Result<u64, StreamError> {
        Ok(self.client.commands().xlen(&self.flow.dead).await?)
    }

    /// Returns up to `limit` dead letters that follow `cursor`, newest first.
    pub async fn list(&self, cursor: Option<&EntryId>, limit: u64) -> Result<DeadLetterPage, StreamError> {
        // The parenthesis excludes the cursor itself.
        let end = cursor.map_or_else(|| "+".to_owned(), |id| format!("({id}"));
        let found: Value =
            self.client.commands().xrevrange(&self.flow.dead, end, "-", Some(limit.max(1))).await?;
        let items: Vec<DeadLetter> =
            found.into_array().into_iter().map(read).collect::<Result<_, StreamError>>()?;
        let is_full = u64::try_from(items.len()).is_ok_and(|n| n == limit.max(1));
        let next_cursor = items.last().filter(|_| is_full).map(|letter| letter.id.clone());
        Ok(DeadLetterPage { items, next_cursor })
    }

    /// Appends these dead letters to the stream again, and returns how many of them still existed.
    pub async fn replay(&self, ids: &[EntryId]) -> Result<u64, StreamError> {
        // The first four pairs describe the failure; the rest is the original entry.
        const LUA: &str = "
            local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
            if not found or #found[2] < 10 then return 0 end
            redis.call('XADD', KEYS[1], '*', unpack(found[2], 9))
            return redis.call('XDEL', KEYS[2], ARGV[1])";

        let mut n_replayed = 0;
        for id in ids {
            let script = Script { lua: LUA, keys: &[&self.flow.stream, &self.flow.dead] };
            let moved: u64 = self.client.eval(script, vec![Value::from(id.as_str())]).await?.convert()?;
            n_replayed += moved;
        }
        Ok(n_replayed)
    }

    /// Appends all current dead letters to the stream again, and returns their number. Posts that fail again in the
    /// meantime are left for the next call.
    pub async fn replay_all(&self) -> Result<u64, StreamError> {
        let newest: Value = self.client.commands().xrevrange(&self.flow.dead, "+", "-", Some(1)).await?;
        let Some(newest) = newest.into_array().into_iter().next() else {
            return Ok(0);
        };
        let (last, _) = entry::split(newest)?;
        let mut n_replayed = 0;
        let mut start = "-".to_owned();
        loop {
            let commands = self.client.commands();
            let found: Value = commands
                .xrange(&self.flow.dead, start.as_str(), last.as_str(), Some(REPLAYED_AT_ONCE))
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
    let field = |name: &str| fields.first(name).map(|value| String::from_utf8_lossy(value).into_owned());
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
