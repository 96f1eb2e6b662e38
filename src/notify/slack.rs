//! Messages to chat rooms, through incoming webhooks of Slack and compatible services such as Mattermost and
//! Rocket.Chat.

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::message::{Item, Message, MessageKind};
use crate::egress::PostRequest;

/// Maximum number of alerts listed in a digest. Slack truncates longer text.
const ITEMS_MAX: usize = 30;

/// Maximum number of posts quoted in a message about a single alert.
const QUOTES: usize = 3;

/// Returns the request that posts a message to the webhook at `url`.
pub fn request(url: Url, message: &Message) -> PostRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    PostRequest { url, headers, body: json!({"text": text(message)}).to_string().into_bytes() }
}

fn text(message: &Message) -> String {
    let mut lines = Vec::new();
    if message.kind == MessageKind::Test || message.items.len() > 1 {
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

/// Escapes Slack's special characters, which a post could use to mention everyone (`<!channel>`) or forge a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    #[test]
    fn a_post_cannot_mention_anyone_or_forge_a_link() {
        let mut message = message(1, 3);
        message.items[0].alert["posts"][0]["text"] = "<!channel> look: <https://evil.example|bank>".into();
        let written = text(&message);
        assert!(written.contains("> &lt;!channel&gt; look: &lt;https://evil.example|bank&gt;"), "{written}");
    }

    #[test]
    fn a_digest_lists_its_alerts() {
        let mut message = message(1, 3);
        message.items = vec![message.items[0].clone(); 40];
        message.kind = MessageKind::Digest;
        let written = text(&message);
        assert_eq!(written.lines().count(), 32);
        assert!(written.ends_with("and 10 more") && written.starts_with("*40 alert updates*"), "{written}");
    }
}
