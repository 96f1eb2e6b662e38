//! Jobs that apply topics to stored posts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{TopicId, TopicJobId};

/// State of a job that applies a topic to stored posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TopicJobState {
    /// The job is waiting for other jobs, or until every process has read the current topic.
    Queued,
    /// A process is reading posts.
    Running,
    /// The job has read all posts.
    Done,
    /// The job cannot continue; see `error`.
    Failed,
    /// A person has cancelled the job. Posts that it has already changed stay as they are.
    Cancelled,
}

impl TopicJobState {
    /// All states, in the order in which a job passes through them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Job that applies a topic to stored posts, newest post first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicJob {
    /// Id of the job, as used in `/topics/{id}/history/{job}`.
    pub id: TopicJobId,
    /// Id of the topic.
    pub topic_id: TopicId,
    /// State of the job.
    pub state: TopicJobState,
    /// Event time of the oldest post to read.
    pub from: Timestamp,
    /// Time at which the job began. Posts stored later were matched against the topic when they arrived.
    pub to: Timestamp,
    /// Number of posts read so far. Restarts at 0 if the topic is replaced.
    pub posts_read: u64,
    /// Number of posts whose products were changed.
    pub posts_changed: u64,
    /// Estimated number of posts to read.
    pub posts_total: u64,
    /// Reason why the job failed; absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Time at which the job was created.
    pub created_at: Timestamp,
    /// Name of the person who created the job, if given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Time of its latest progress.
    pub updated_at: Timestamp,
    /// Time at which the job ended; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Range of stored posts to apply a topic to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTopicJob {
    /// Number of days before now, at least 1 and at most as many as posts are kept.
    #[schema(minimum = 1)]
    pub days: u32,
}

/// Products of a post after a topic has been applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouped {
    /// All products, sorted, without duplicates.
    pub products: Vec<String>,
    /// Products that only topics matched, sorted, without duplicates.
    pub topics: Vec<String>,
}
