//! Work on posts: status, assignee, tags and notes, with their history.

mod change; // changes that people ask for, and their effect
mod tag; // tags

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::change::{Edit, Refusal, WorkChange};
pub use self::tag::{TAG_CHARS_MAX, Tag};
use super::id::PostId;

/// Maximum number of tags on a post, so that a row on the screen can show them.
pub const TAGS_MAX: usize = 20;

/// Progress of the work on a post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkStatus {
    /// Nobody has started to work on the post.
    #[default]
    Open,
    /// Someone is working on the post.
    InProgress,
    /// The author has received an answer.
    Answered,
    /// The post needs no more work.
    Closed,
}

impl WorkStatus {
    /// Every status, in the order in which work proceeds.
    pub const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Answered, Self::Closed];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Answered => "answered",
            Self::Closed => "closed",
        }
    }

    /// Returns whether the work is finished.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Answered | Self::Closed)
    }
}

/// State of the work on a post. A post that nobody has worked on is open, without an assignee or tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostWork {
    /// Groundswell's own id for the post.
    pub post: PostId,
    /// Progress of the work.
    pub status: WorkStatus,
    /// Whether the post needs an answer. Such a post is in the queue until it is answered or closed.
    pub needs_answer: bool,
    /// Name of the person the post is assigned to; null if it is unassigned.
    pub assignee: Option<String>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Number of notes.
    pub notes: i64,
    /// Revision of the work, which every change raises; 0 if nobody has worked on the post. Of all posts, the one with
    /// the highest revision changed last.
    pub revision: i64,
    /// Time of the last change; null if nobody has worked on the post.
    pub updated_at: Option<Timestamp>,
    /// Name of the person who made the last change; null if they gave none.
    pub updated_by: Option<String>,
}

impl PostWork {
    /// Returns the work on a post that nobody has worked on.
    pub const fn untouched(post: PostId) -> Self {
        Self {
            post,
            status: WorkStatus::Open,
            needs_answer: false,
            assignee: None,
            tags: Vec::new(),
            notes: 0,
            revision: 0,
            updated_at: None,
            updated_by: None,
        }
    }
}

/// Subject of a history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkField {
    /// The status changed.
    Status,
    /// The assignee changed.
    Assignee,
    /// The post was marked as needing an answer, or unmarked.
    NeedsAnswer,
    /// A tag was added or removed.
    Tag,
    /// A note was added.
    Note,
}

impl WorkField {
    /// Every field, in declaration order.
    pub const ALL: [Self; 5] = [Self::Status, Self::Assignee, Self::NeedsAnswer, Self::Tag, Self::Note];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Assignee => "assignee",
            Self::NeedsAnswer => "needs_answer",
            Self::Tag => "tag",
            Self::Note => "note",
        }
    }
}

/// Entry in the history of the work on a post. Entries are never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkMoment {
    /// Time of the change.
    pub at: Timestamp,
    /// Name of the person or program that made the change; null if unknown.
    pub actor: Option<String>,
    /// What changed.
    pub field: WorkField,
    /// Value before the change: the status, the assignee, `true` or `false`, or the tag that was removed; null if there
    /// was none.
    pub before: Option<String>,
    /// Value after the change: the status, the assignee, `true` or `false`, the tag that was added, or the text of the
    /// note; null if there is none.
    pub after: Option<String>,
}

/// Name that people use for tags or assignees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsedName {
    /// The tag, or the name of the person.
    pub name: String,
    /// Number of posts that have it.
    pub posts: i64,
}

/// Names in use, for completion, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsedNames {
    /// Tags of posts, at most 200.
    pub tags: Vec<UsedName>,
    /// People to whom posts are assigned, at most 200.
    pub assignees: Vec<UsedName>,
}

/// Changes in the work on posts, for clients that keep their view up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkChanges {
    /// Revision from which to continue. If it is lower than the one in the request, posts have expired since.
    pub revision: i64,
    /// Work that changed after the revision in the request, in the order of the changes, at most 500.
    pub items: Vec<PostWork>,
    /// Whether there may be more changes; continue at once.
    pub has_more: bool,
}

/// Work on a post with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkHistory {
    /// Current state of the work.
    pub work: PostWork,
    /// Changes, oldest first. A long history contains the newest 500 changes and all notes.
    pub items: Vec<WorkMoment>,
}

/// Outcome of one item of a bulk change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkOutcome {
    /// The work was changed.
    Changed,
    /// The work was already as requested.
    Unchanged,
    /// The work has changed since the revision in the request, so the item was not applied.
    Conflict,
    /// The post would have had more than 20 tags, so the item was not applied.
    TooManyTags,
    /// The post does not exist.
    UnknownPost,
}

/// Result for one item of a bulk change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkResult {
    /// Groundswell's own id for the post.
    pub post: PostId,
    /// Outcome of the change.
    pub outcome: WorkOutcome,
    /// Current state of the work; null if the post does not exist.
    pub work: Option<PostWork>,
}
