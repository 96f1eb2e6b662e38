//! `groundswell dead-letters`: lists and replays posts that failed three times on their own or could not be parsed.

use std::io::{IsTerminal as _, stdout};

use serde_json::json;

use super::target::Target;
use crate::stream::{DeadLetter, EntryId};

/// Maximum number of characters of a post to show, so that it fits on a terminal line.
const POST_CHARS: usize = 60;

/// Subcommands of `groundswell dead-letters`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum DeadLettersCommand {
    /// List dead letters, newest first: as text on a terminal, and otherwise as JSON lines
    List {
        /// Maximum number of dead letters to list
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// Continue with older dead letters from this cursor, which the previous page printed
        #[arg(long)]
        cursor: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Put dead letters back on the stream, for example after fixing a bug
    Replay {
        /// Ids of dead letters, as `list` prints them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Replay all dead letters that exist now
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        target: Target,
    },
}

/// Lists or replays dead letters, as the command requests.
///
/// # Errors
/// If the stream cannot be found, or an id does not name a dead letter.
pub async fn run(command: DeadLettersCommand) -> anyhow::Result<()> {
    match command {
        DeadLettersCommand::List { limit, cursor, target } => list(&target, limit, cursor).await,
        DeadLettersCommand::Replay { ids, target, .. } => replay(&target, ids).await,
    }
}

async fn list(target: &Target, limit: u64, cursor: Option<String>) -> anyhow::Result<()> {
    let stream = target.connect().await?;
    let page = stream.dead_letters().list(cursor.map(EntryId::new).as_ref(), limit).await?;
    stream.close().await;
    for letter in &page.items {
        if stdout().is_terminal() {
            super::print(&line(letter));
        } else {
            super::print(&serde_json::to_string(letter)?);
        }
    }
    if let (Some(cursor), true) = (page.next_cursor, stdout().is_terminal()) {
        super::print(&format!("for older dead letters, add --cursor {cursor}"));
    }
    Ok(())
}

async fn replay(target: &Target, ids: Vec<String>) -> anyhow::Result<()> {
    let stream = target.connect().await?;
    let letters = stream.dead_letters();
    let n_asked = ids.len();
    let ids: Vec<EntryId> = ids.into_iter().map(EntryId::new).collect();
    let n_replayed = if ids.is_empty() { letters.replay_all().await? } else { letters.replay(&ids).await? };
    stream.close().await;
    super::print(&json!({"event": "done", "replayed": n_replayed}).to_string());
    let n_missing = n_asked.saturating_sub(usize::try_from(n_replayed).unwrap_or(usize::MAX));
    anyhow::ensure!(n_missing == 0, "{n_missing} of these ids do not name a dead letter");
    Ok(())
}

fn line(letter: &DeadLetter) -> String {
    let post: String = letter.post.as_deref().unwrap_or_default().chars().take(POST_CHARS).collect();
    // Control characters in a post must not move the terminal's cursor.
    let post: String = post.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{}  {}  {} attempts  {}  {post}", letter.id, letter.died_at, letter.attempts, letter.reason)
}
