//! What people write.

use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Id of the account that writes everything.
pub const ACCOUNT_ID: &str = "108914298452377720";

/// Status as the instance knows it.
#[derive(Debug, Clone)]
pub struct Status {
    pub number: u32,
    /// Id, if it does not follow from the number.
    pub own_id: Option<u64>,
    /// Without markup.
    pub text: String,
    pub at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// Whether it was written on this instance.
    pub is_local: bool,
    /// Whether it answers somebody else. The public feeds leave such statuses out.
    pub is_reply: bool,
    pub visibility: &'static str,
    pub language: Option<&'static str>,
    /// In lower case, without `#`.
    pub tags: Vec<&'static str>,
    pub mentions: Vec<&'static str>,
    pub has_image: bool,
    pub n_reblogs: u32,
    pub n_favourites: u32,
    pub n_replies: u32,
    /// What stands in the timeline instead.
    pub raw: Option<String>,
}

/// Returns the id of a status, which says when it was written, in milliseconds above 16 bits that tell such ids apart.
pub fn status_id(ids_from: Timestamp, number: u32) -> u64 {
    id_at(ids_from + SignedDuration::from_millis(i64::from(number)), number)
}

fn id_at(at: Timestamp, number: u32) -> u64 {
    (at.as_millisecond() as u64) << 16 | u64::from(number & 0xffff)
}

impl Status {
    /// Returns a status with a text of its own, written here and now.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            own_id: None,
            text: format!("post {number} about nimbrel"),
            at: Timestamp::now(),
            edited_at: None,
            is_local: true,
            is_reply: false,
            visibility: "public",
            language: Some("en"),
            tags: Vec::new(),
            mentions: Vec::new(),
            has_image: false,
            n_reblogs: 0,
            n_favourites: 0,
            n_replies: 0,
            raw: None,
        }
    }

    pub(super) fn is_in_public_feed(&self) -> bool {
        self.visibility == "public" && !self.is_reply
    }

    /// Returns the id. Statuses older than the instance have older ids.
    pub(super) fn id(&self, ids_from: Timestamp) -> u64 {
        if let Some(id) = self.own_id {
            return id;
        }
        if self.at < ids_from - SignedDuration::from_mins(1) {
            return id_at(self.at, self.number);
        }
        status_id(ids_from, self.number)
    }

    /// Returns the status as JSON.
    pub(super) fn json(&self, ids_from: Timestamp, address: SocketAddr) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let id = self.id(ids_from).to_string();
        let (host, acct) = match self.is_local {
            true => (format!("http://{address}"), "ana".to_owned()),
            false => ("https://elsewhere.example".to_owned(), "ana@elsewhere.example".to_owned()),
        };
        let tag = |name: &&str| json!({"name": name, "url": format!("http://{address}/tags/{name}")});
        let mention = |name: &&str| json!({"id": "7", "username": name, "acct": name, "url": format!("http://{address}/@{name}")});
        json!({
            "id": id,
            "created_at": milliseconds(self.at),
            "in_reply_to_id": self.is_reply.then_some("103254962155278888"),
            "in_reply_to_account_id": self.is_reply.then_some("7"),
            "sensitive": false,
            "spoiler_text": "",
            "visibility": self.visibility,
            "language": self.language,
            "uri": format!("{host}/users/ana/statuses/{id}"),
            "url": format!("{host}/@ana/{id}"),
            "replies_count": self.n_replies,
            "reblogs_count": self.n_reblogs,
            "favourites_count": self.n_favourites,
            "quotes_count": 0,
            "edited_at": self.edited_at.map(milliseconds),
            "content": self.content(address),
            "reblog": null,
            "account": account(&host, &acct),
            "media_attachments": if self.has_image { json!([image(address)]) } else { json!([]) },
            "mentions": self.mentions.iter().map(mention).collect::<Vec<_>>(),
            "tags": self.tags.iter().map(tag).collect::<Vec<_>>(),
            "emojis": [],
            "card": null,
            "poll": null,
        })
        .to_string()
    }

    /// Returns the text with its markup: paragraphs, and links of mentions and tags.
    fn content(&self, address: SocketAddr) -> String {
        let mut content = format!("<p>{}</p>", html_escape::encode_text(&self.text));
        let mentions = self.mentions.iter().map(|name| {
            format!(
                "<span class=\"h-card\" translate=\"no\"><a href=\"http://{address}/@{name}\" \
                 class=\"u-url mention\">@<span>{name}</span></a></span>"
            )
        });
        let tags = self.tags.iter().map(|name| {
            format!(
                "<a href=\"http://{address}/tags/{name}\" class=\"mention hashtag\" \
                 rel=\"tag\">#<span>{name}</span></a>"
            )
        });
        let links: Vec<String> = mentions.chain(tags).collect();
        if !links.is_empty() {
            content.push_str(&format!("<p>{}</p>", links.join(" ")));
        }
        content
    }
}

fn account(host: &str, acct: &str) -> Value {
    json!({
        "id": ACCOUNT_ID,
        "username": "ana",
        "acct": acct,
        "display_name": "Ana 🐘",
        "locked": false,
        "bot": false,
        "discoverable": true,
        "group": false,
        "created_at": "2022-11-13T00:00:00.000Z",
        "note": "<p>writes about nimbrel</p>",
        "url": format!("{host}/@ana"),
        "uri": format!("{host}/users/ana"),
        "avatar": format!("{host}/avatars/original/missing.png"),
        "followers_count": 37,
        "following_count": 41,
        "statuses_count": 18_442,
        "last_status_at": "2026-11-22",
        "emojis": [],
        "fields": [],
    })
}

fn image(address: SocketAddr) -> Value {
    json!({
        "id": "22345792",
        "type": "image",
        "url": format!("http://{address}/system/media_attachments/original.png"),
        "preview_url": format!("http://{address}/system/media_attachments/small.png"),
        "remote_url": null,
        "meta": {"original": {"width": 640, "height": 480, "size": "640x480", "aspect": 1.333}},
        "description": "a nimbrel",
        "blurhash": "UFBWY:8_0Jxv4mx]t8t64.%M-:IUWGWAt6M}",
    })
}

/// Returns a time as the serializers write it.
fn milliseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
