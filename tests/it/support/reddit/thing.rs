//! What people write.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Id of the account that writes everything.
pub const AUTHOR_ID: &str = "t2_ana";

/// Number of the first id, so that ids are as long as real ones.
const FIRST_ID: u64 = 100_000_000_000;

/// Size of the largest garbage in bytes.
const N_BYTES: usize = 1 << 20;

/// Kind of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Post,
    Comment,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Post => "t3",
            Self::Comment => "t1",
        }
    }
}

/// Post or comment as the API knows it.
#[derive(Debug, Clone)]
pub struct Thing {
    pub kind: Kind,
    pub number: u32,
    pub text: String,
    pub at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub score: i64,
    pub n_comments: u32,
    pub is_over_18: bool,
    /// Whether its author can still be named.
    pub has_author: bool,
    /// Whether a moderator has removed it.
    pub is_removed: bool,
    /// What stands in listings instead.
    pub raw: Option<String>,
}

/// Returns the full name of the post or comment with this number.
pub fn fullname(kind: Kind, number: u32) -> String {
    format!("{}_{}", kind.prefix(), base36(FIRST_ID + u64::from(number)))
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap());
        number /= 36;
    }
    digits.iter().rev().collect()
}

impl Thing {
    /// Returns a post or a comment with a text of its own, written now.
    pub fn new(kind: Kind, number: u32) -> Self {
        Self {
            kind,
            number,
            text: format!("post {number} about nimbrel"),
            at: Timestamp::now(),
            edited_at: None,
            score: 1,
            n_comments: 0,
            is_over_18: false,
            has_author: true,
            is_removed: false,
            raw: None,
        }
    }

    pub(super) fn fullname(&self) -> String {
        fullname(self.kind, self.number)
    }

    pub(super) fn is(&self, kind: Kind, number: u32) -> bool {
        self.raw.is_none() && (self.kind, self.number) == (kind, number)
    }

    /// Returns the thing as JSON. Unless it is to be raw, three characters of its text are escaped as in HTML.
    pub(super) fn json(&self, is_raw: bool) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let text = match is_raw {
            true => self.text.clone(),
            false => self.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        };
        let name = self.fullname();
        let mut data = json!({
            "id": name[3..],
            "name": name,
            "subreddit": "nimbrel",
            "subreddit_id": "t5_2qh0u",
            "subreddit_name_prefixed": "r/nimbrel",
            "author": if self.has_author { "ana" } else { "[deleted]" },
            "created_utc": self.at.as_second() as f64,
            "edited": self.edited_at.map_or(json!(false), |at| json!(at.as_second() as f64)),
            "score": self.score,
            "ups": self.score,
            "over_18": self.is_over_18,
            "removed_by_category": if self.is_removed { json!("moderator") } else { Value::Null },
            "stickied": false,
        });
        if self.has_author {
            data["author_fullname"] = json!(AUTHOR_ID);
        }
        match self.kind {
            Kind::Post => {
                data["title"] = json!(format!("title {}", self.number));
                data["selftext"] = json!(text);
                data["is_self"] = json!(true);
                data["domain"] = json!("self.nimbrel");
                data["num_comments"] = json!(self.n_comments);
                data["num_crossposts"] = json!(0);
                data["permalink"] = json!(format!("/r/nimbrel/comments/{}/title/", &name[3..]));
                data["url"] =
                    json!(format!("https://www.reddit.com/r/nimbrel/comments/{}/title/", &name[3..]));
            }
            Kind::Comment => {
                data["body"] = json!(text);
                data["link_id"] = json!(fullname(Kind::Post, 0));
                data["parent_id"] = json!(fullname(Kind::Post, 0));
                data["link_title"] = json!("title 0");
                data["permalink"] = json!(format!("/r/nimbrel/comments/x/title/{}/", &name[3..]));
            }
        }
        json!({"kind": self.kind.prefix(), "data": data}).to_string()
    }
}

/// Returns children of a listing of which each is wrong, though all are JSON.
pub(super) fn garbage() -> Vec<String> {
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let child = |data: Value| json!({"kind": "t3", "data": data}).to_string();
    vec![
        "7".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        nested.clone(),
        child(json!({})),
        child(
            json!({"name": ["?"], "title": "strange", "selftext": "strange", "created_utc": 1_700_000_000.0}),
        ),
        child(
            json!({"name": "t3_strange", "title": "strange", "selftext": {"is": 1}, "created_utc": "yesterday"}),
        ),
        child(json!({"name": 7, "title": "huge ".repeat(N_BYTES / 5)})),
        child(json!({"name": "__NESTED__"})).replace("\"__NESTED__\"", &nested),
    ]
}
