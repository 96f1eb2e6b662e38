//! What people publish.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde_json::{Value, json};

/// Id of the channel that publishes and writes everything.
pub const CHANNEL_ID: &str = "UCnimbrel_nimbrel_nimbrel";

/// Size of the largest garbage in bytes.
const N_BYTES: usize = 1 << 20;

/// Video as the API knows it.
#[derive(Debug, Clone)]
pub struct Video {
    pub number: u32,
    pub title: String,
    pub description: String,
    pub at: Timestamp,
    pub language: Option<&'static str>,
    pub n_views: u64,
    /// None if the channel hides it.
    pub n_likes: Option<u64>,
    pub has_comments: bool,
    /// What stands in the results of a search instead.
    pub raw: Option<String>,
}

/// Returns the id of the video with this number.
pub fn video_id(number: u32) -> String {
    format!("v{number:010}")
}

impl Video {
    /// Returns a video with a title of its own, published now.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            title: format!("post {number} about nimbrel"),
            description: "what it says".to_owned(),
            at: Timestamp::now(),
            language: Some("en"),
            n_views: 0,
            n_likes: Some(0),
            has_comments: true,
            raw: None,
        }
    }

    /// Returns the video as one of the results of a search.
    pub(super) fn result(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let title = html_escape::encode_quoted_attribute(&self.title).into_owned();
        let mut snippet = self.snippet(&title);
        snippet["publishTime"] = snippet["publishedAt"].clone();
        tagged(json!({
            "kind": "youtube#searchResult",
            "id": {"kind": "youtube#video", "videoId": video_id(self.number)},
            "snippet": snippet,
        }))
    }

    /// Returns the parts of the video that were asked for.
    pub(super) fn json(&self, parts: &[&str], n_comments: usize) -> String {
        let mut video = json!({"kind": "youtube#video", "id": video_id(self.number)});
        if parts.contains(&"snippet") {
            video["snippet"] = self.snippet(&self.title);
            if let Some(language) = self.language {
                video["snippet"]["defaultAudioLanguage"] = json!(language);
            }
        }
        if parts.contains(&"statistics") {
            // Numbers are strings, and what is hidden is missing.
            let mut statistics = json!({"viewCount": self.n_views.to_string(), "favoriteCount": "0"});
            if let Some(n_likes) = self.n_likes {
                statistics["likeCount"] = json!(n_likes.to_string());
            }
            if self.has_comments {
                statistics["commentCount"] = json!(n_comments.to_string());
            }
            video["statistics"] = statistics;
        }
        tagged(video)
    }

    fn snippet(&self, title: &str) -> Value {
        let image = format!("https://i.ytimg.com/vi/{}/default.jpg", video_id(self.number));
        json!({
            "publishedAt": seconds(self.at),
            "channelId": CHANNEL_ID,
            "title": title,
            "description": self.description,
            "thumbnails": {"default": {"url": image, "width": 120, "height": 90}},
            "channelTitle": "Ana",
            "liveBroadcastContent": "none",
        })
    }
}

/// Comment on a video, which begins a thread.
#[derive(Debug, Clone)]
pub struct Comment {
    pub number: u32,
    /// Number of the video.
    pub video: u32,
    /// Without markup.
    pub text: String,
    pub at: Timestamp,
    pub updated_at: Timestamp,
    pub n_likes: u32,
    pub n_replies: u32,
    /// What stands in lists instead.
    pub raw: Option<String>,
}

/// Returns the id of the comment with this number.
pub fn comment_id(number: u32) -> String {
    format!("Ugx{number:017}AaABAg")
}

impl Comment {
    /// Returns a comment with a text of its own, written now.
    pub fn new(number: u32, video: u32) -> Self {
        let now = Timestamp::now();
        Self {
            number,
            video,
            text: format!("post {number} about nimbrel"),
            at: now,
            updated_at: now,
            n_likes: 0,
            n_replies: 0,
            raw: None,
        }
    }

    /// Returns the thread that begins with the comment.
    pub(super) fn json(&self, is_plain: bool) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let display = match is_plain {
            true => self.text.clone(),
            false => html_escape::encode_quoted_attribute(&self.text).into_owned(),
        };
        let id = comment_id(self.number);
        let comment: Value = serde_json::from_str(&tagged(json!({
            "kind": "youtube#comment",
            "id": id,
            "snippet": {
                "channelId": CHANNEL_ID,
                "videoId": video_id(self.video),
                "textDisplay": display,
                "textOriginal": self.text,
                "authorDisplayName": "@ana",
                "authorProfileImageUrl": "https://yt3.ggpht.com/ana",
                "authorChannelUrl": "http://www.youtube.com/@ana",
                "authorChannelId": {"value": CHANNEL_ID},
                "canRate": true,
                "viewerRating": "none",
                "likeCount": self.n_likes,
                "publishedAt": seconds(self.at),
                "updatedAt": seconds(self.updated_at),
            },
        })))
        .unwrap();
        tagged(json!({
            "kind": "youtube#commentThread",
            "id": id,
            "snippet": {
                "channelId": CHANNEL_ID,
                "videoId": video_id(self.video),
                "topLevelComment": comment,
                "canReply": true,
                "totalReplyCount": self.n_replies,
                "isPublic": true,
            },
        }))
    }
}

/// Returns items of which each is wrong, though all are JSON.
pub(super) fn garbage(id: &str, text: &str) -> Vec<String> {
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let item = |id: Value, snippet: Value| {
        json!({"kind": "youtube#searchResult", "id": id, "snippet": snippet}).to_string()
    };
    let good_id = || json!({"kind": "youtube#video", id: "strange"});
    vec![
        "7".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        nested.clone(),
        item(json!(["?"]), json!({text: "strange"})),
        item(good_id(), json!("strange")),
        item(good_id(), json!({text: ["strange"], "publishedAt": "yesterday"})),
        item(good_id(), json!({text: 7, "description": "huge ".repeat(N_BYTES / 5)})),
        item(json!("__NESTED__"), json!({})).replace("\"__NESTED__\"", &nested),
    ]
}

/// Returns a resource with its entity tag.
fn tagged(mut resource: Value) -> String {
    resource["etag"] = json!(etag(&resource.to_string()));
    resource.to_string()
}

/// Returns the entity tag of a text.
pub(super) fn etag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
