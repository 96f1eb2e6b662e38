//! Messages to chat rooms, through incoming webhooks of Slack and compatible services such as Mattermost, Rocket.Chat,
//! Discord and Teams.
//!
//! Nothing in the URL says which of them receives a message, and their markup differs: Slack has `<!channel>` and
//! `<https://…|text>`, the others have `@channel`, `@everyone` and Markdown's `[text](https://…)`, and some show
//! backslashes. Text from outside is therefore written so that none of them finds markup in it: see [`escaped`].

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
        Some(link) => format!("{headline} (<{}|open>)", with_entities(&link)),
        None => headline,
    }
}

/// A space without width. People do not see it, and no service reads markup across it.
const GAP: char = '\u{200b}';

/// Returns text from outside so that it mentions nobody and shows no link but what it says: with Slack's characters as
/// entities, and with a [`GAP`] behind `@`, before which Markdown finds no name, and behind `]`, between the text and the
/// address of a link or a picture.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in with_entities(text).chars() {
        safe.push(character);
        if matches!(character, '@' | ']') {
            safe.push(GAP);
        }
    }
    safe
}

/// Escapes Slack's special characters.
fn with_entities(text: &str) -> String {
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
        let check = |from: &str, to: &str| assert_eq!(escaped(from), to);
        check("@channel and @everyone", "@\u{200b}channel and @\u{200b}everyone");
        check("[bank](https://evil.example)", "[bank]\u{200b}(https://evil.example)");
        check("![](https://evil.example/seen.png)", "![]\u{200b}(https://evil.example/seen.png)");
        check(
            "[bank][1] [1]: https://evil.example",
            "[bank]\u{200b}[1]\u{200b} [1]\u{200b}: https://evil.example",
        );
        check("<@U0123> &amp;", "&lt;@\u{200b}U0123&gt; &amp;amp;");
    }

    #[test]
    fn neither_a_title_nor_the_name_of_a_product_is_markup() {
        let mut message = message(0, 0);
        message.items[0].alert["title"] = "Customers of @here [bank](https://evil.example) leave".into();
        let written = text(&message);
        assert!(written.contains("@\u{200b}here [bank]\u{200b}("), "{written}");
        message.dashboard = Some("http://[::1]:8080".to_owned());
        assert!(
            text(&message).contains("(<http://[::1]:8080/alerts?alert="),
            "the link to the dashboard stays whole"
        );
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
