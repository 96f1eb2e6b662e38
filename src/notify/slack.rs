//! Lines of text for a room: incoming webhooks of Slack, and of Mattermost, Rocket.Chat and others that take the same.

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::message::{Item, Message, Purpose};
use crate::egress::Post;

/// What is told of a digest; Slack cuts longer texts.
const ITEMS_MAX: usize = 30;

/// Posts quoted of an alert that comes alone.
const QUOTES: usize = 3;

/// The request that says it.
pub fn request(url: Url, message: &Message) -> Post {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Post { url, headers, body: json!({"text": text(message)}).to_string().into_bytes() }
}

fn text(message: &Message) -> String {
    let mut lines = Vec::new();
    if message.purpose == Purpose::Test || message.items.len() > 1 {
        lines.push(format!("*{}*", escaped(&message.headline())));
    }
    for item in message.items.iter().take(ITEMS_MAX) {
        lines.push(line(message, item));
        if message.items.len() == 1 {
            lines.extend(item.quotes(QUOTES, 200).iter().map(|quote| format!("> {}", escaped(quote))));
        }
    }
    let n_omitted = message.items.len().saturating_sub(ITEMS_MAX);
    if n_omitted > 0 {
        lines.push(format!("and {n_omitted} more"));
    }
    lines.join("\n")
}

fn line(message: &Message, item: &Item) -> String {
    let headline = escaped(&item.headline());
    match message.link(item) {
        Some(link) => format!("{headline} (<{}|open>)", escaped(&link)),
        None => headline,
    }
}

/// Slack's three special characters. Without this, a post could mention everybody (`<!channel>`) or forge a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    #[test]
    fn a_post_calls_nobody_and_forges_no_link() {
        let mut message = message(1, 3);
        message.items[0].alert["posts"][0]["text"] = "<!channel> look: <https://evil.example|bank>".into();
        let told = text(&message);
        assert!(told.contains("> &lt;!channel&gt; look: &lt;https://evil.example|bank&gt;"), "{told}");
    }

    #[test]
    fn a_digest_lists_what_happened() {
        let mut message = message(1, 3);
        message.items = vec![message.items[0].clone(); 40];
        message.purpose = Purpose::Digest;
        let told = text(&message);
        assert_eq!(told.lines().count(), 32);
        assert!(
            told.ends_with("and 10 more") && told.starts_with("*40 pieces of news about alerts*"),
            "{told}"
        );
    }
}
