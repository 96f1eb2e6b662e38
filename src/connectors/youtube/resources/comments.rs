//! Parses comments and their replies.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Item, Page, Unreadable, author, is_id, page, unreadable};
use crate::connectors::fingerprint::fingerprint;
use crate::connectors::item_fields::{bounded, count, engagement, if_readable, plain};
use crate::models::new_post::{MAX_TEXT_CHARS, NewPost};
use crate::models::post::Engagement;

/// Comment with the replies that the API includes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors::youtube) struct Thread {
    /// Time at which the comment was published, if known.
    pub published_at: Option<Timestamp>,
    /// The comment and its replies.
    pub comments: Vec<Result<Item, Unreadable>>,
}

#[derive(Deserialize)]
struct RawThread<'a> {
    #[serde(borrow)]
    snippet: ThreadSnippet<'a>,
    #[serde(borrow, default)]
    replies: Option<Replies<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadSnippet<'a> {
    #[serde(borrow)]
    top_level_comment: &'a RawValue,
    total_reply_count: Option<Value>,
}

#[derive(Deserialize)]
struct Replies<'a> {
    #[serde(borrow, default)]
    comments: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Comment {
    id: String,
    snippet: CommentSnippet,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentSnippet {
    #[serde(default, deserialize_with = "if_readable")]
    author_display_name: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    author_channel_id: Option<ChannelId>,
    text_display: Option<String>,
    text_original: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    parent_id: Option<String>,
    like_count: Option<Value>,
    #[serde(default, deserialize_with = "if_readable")]
    published_at: Option<Timestamp>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct ChannelId {
    value: String,
}

/// Properties that a comment does not contain itself.
struct Context<'a> {
    video: &'a str,
    n_replies: Option<i64>,
    now: Timestamp,
}

/// Parses a page of `commentThreads.list` for one video.
pub(in crate::connectors::youtube) fn threads(
    body: &[u8],
    video: &str,
    now: Timestamp,
) -> Option<Page<Thread>> {
    page(body, |item| {
        let RawThread { snippet, replies } = serde_json::from_str(item).ok()?;
        let context = Context { video, n_replies: snippet.total_reply_count.as_ref().and_then(count), now };
        let first = comment(snippet.top_level_comment.get(), &context)?;
        let context = Context { n_replies: None, ..context };
        let replies = replies.map(|it| it.comments).unwrap_or_default();
        let replies =
            replies.into_iter().map(|raw| comment(raw.get(), &context).ok_or_else(|| unreadable(raw.get())));
        Some(Thread {
            published_at: first.published_at,
            comments: [Ok(first)].into_iter().chain(replies).collect(),
        })
    })
}

fn comment(raw: &str, context: &Context<'_>) -> Option<Item> {
    let Comment { id, snippet } = serde_json::from_str(raw).ok()?;
    let video = context.video;
    let text = snippet.text_display.or(snippet.text_original)?;
    let text = bounded(plain(&text).trim(), MAX_TEXT_CHARS);
    let content = fingerprint([text.as_str(), snippet.updated_at.as_deref().unwrap_or_default()]);
    let parent = snippet.parent_id.filter(|id| is_id(id));
    let post = NewPost {
        id: format!("comment:{id}"),
        platform: "youtube".to_owned(),
        author: author(snippet.author_channel_id.map(|id| id.value), snippet.author_display_name),
        created_at: snippet.published_at.map(|at| at.min(context.now)),
        url: Some(format!("https://www.youtube.com/watch?v={video}&lc={id}")),
        parent_id: Some(parent.map_or_else(|| format!("video:{video}"), |id| format!("comment:{id}"))),
        engagement: engagement(Engagement {
            likes: snippet.like_count.as_ref().and_then(count),
            comments: context.n_replies,
            ..Engagement::default()
        }),
        text,
        ..NewPost::default()
    };
    let is_readable = is_id(&id) && !post.text.is_empty();
    let key = fingerprint(["comment", &id]);
    is_readable.then_some(Item { id, published_at: post.created_at, key, content, post })
}
