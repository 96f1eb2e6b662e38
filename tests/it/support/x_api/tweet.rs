//! What people write.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::web::Request;

/// Id of the account that writes everything.
pub const AUTHOR_ID: &str = "2244994945";

/// Milliseconds from 1970 to the first id.
const EPOCH_MS: i64 = 1_288_834_974_657;

/// Post as the API knows it.
#[derive(Debug, Clone)]
pub struct Tweet {
    pub number: u32,
    /// Id, if it does not follow from the number.
    pub own_id: Option<u64>,
    /// Ids of its later versions.
    pub later_ids: Vec<u64>,
    pub text: String,
    pub at: Timestamp,
    pub language: &'static str,
    pub is_repost: bool,
    pub n_likes: u32,
    pub n_reposts: u32,
    pub n_replies: u32,
    pub n_quotes: u32,
    pub n_views: u32,
    /// What stands in answers instead.
    pub raw: Option<String>,
}

/// Returns the id of a post, which says when it was written, in milliseconds above 22 bits that tell such ids apart.
pub fn tweet_id(ids_from: Timestamp, number: u32) -> u64 {
    id_at(ids_from + SignedDuration::from_millis(i64::from(number)))
}

fn id_at(at: Timestamp) -> u64 {
    ((at.as_millisecond() - EPOCH_MS) as u64) << 22
}

/// Returns when a post with an id was written.
pub(super) fn time_of(id: u64) -> Timestamp {
    Timestamp::from_millisecond((id >> 22) as i64 + EPOCH_MS).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Tweet {
    /// Returns a post with a text of its own, written now.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            own_id: None,
            later_ids: Vec::new(),
            text: format!("post {number} about nimbrel"),
            at: Timestamp::now(),
            language: "en",
            is_repost: false,
            n_likes: 0,
            n_reposts: 0,
            n_replies: 0,
            n_quotes: 0,
            n_views: 0,
            raw: None,
        }
    }

    /// Returns the id of the first version. Posts older than the API have older ids.
    pub(super) fn first_id(&self, ids_from: Timestamp) -> u64 {
        if let Some(id) = self.own_id {
            return id;
        }
        if self.at < ids_from - SignedDuration::from_mins(1) {
            return id_at(self.at) + u64::from(self.number);
        }
        tweet_id(ids_from, self.number)
    }

    /// Returns the id of the newest version.
    pub(super) fn id(&self, ids_from: Timestamp) -> u64 {
        self.later_ids.last().copied().unwrap_or_else(|| self.first_id(ids_from))
    }

    /// Returns the fields that were asked for, and those that always come.
    pub(super) fn json(&self, ids_from: Timestamp, asked: &Asked) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let ids = [self.first_id(ids_from)].into_iter().chain(self.later_ids.iter().copied());
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let mut tweet = json!({"id": ids.last(), "text": self.text, "edit_history_tweet_ids": ids});
        for field in &asked.tweet_fields {
            let value = match field.as_str() {
                "created_at" => json!(milliseconds(self.at)),
                "author_id" => json!(AUTHOR_ID),
                "lang" => json!(self.language),
                "conversation_id" => json!(ids[0]),
                "possibly_sensitive" => json!(false),
                "entities" => self.entities(),
                "public_metrics" => json!({
                    "retweet_count": self.n_reposts,
                    "reply_count": self.n_replies,
                    "like_count": self.n_likes,
                    "quote_count": self.n_quotes,
                    "bookmark_count": 0,
                    "impression_count": self.n_views,
                }),
                "referenced_tweets" if self.is_repost => json!([{"type": "retweeted", "id": "1"}]),
                _ => continue,
            };
            tweet[field] = value;
        }
        tweet.to_string()
    }

    fn entities(&self) -> Value {
        let tags = self.text.split_whitespace().filter_map(|word| word.strip_prefix('#'));
        json!({"hashtags": tags.map(|tag| json!({"tag": tag})).collect::<Vec<_>>()})
    }
}

/// What a client wants to know of each post.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    tweet_fields: Vec<String>,
    user_fields: Vec<String>,
    has_author: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let list = |name| -> Vec<String> {
            let values = request.param(name).unwrap_or_default().split(',');
            values.filter(|it| !it.is_empty()).map(str::to_owned).collect()
        };
        let has_author = list("expansions").iter().any(|it| it == "author_id");
        let mut tweet_fields = list("tweet.fields");
        if has_author && !tweet_fields.iter().any(|it| it == "author_id") {
            tweet_fields.push("author_id".to_owned());
        }
        Self { tweet_fields, user_fields: list("user.fields"), has_author }
    }

    /// Returns what stands next to the posts, if anything does.
    pub(super) fn includes(&self) -> Option<Value> {
        if !self.has_author {
            return None;
        }
        let mut user = json!({"id": AUTHOR_ID, "name": "Ana", "username": "ana"});
        for field in &self.user_fields {
            let value = match field.as_str() {
                "created_at" => json!("2013-12-14T04:35:55.000Z"),
                "verified" => json!(false),
                "public_metrics" => {
                    json!({"followers_count": 37, "following_count": 41, "tweet_count": 18_442, "listed_count": 0})
                }
                _ => continue,
            };
            user[field] = value;
        }
        Some(json!({"users": [user]}))
    }
}

pub(super) fn milliseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
