//! Email, sent through the configured SMTP server.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::message::{Item, Message, Topic, cut};

/// Maximum time to wait for each response from the server.
const SMTP_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of alerts listed in a digest.
const ITEMS_MAX: usize = 100;

/// Maximum number of posts quoted per alert.
const QUOTES: usize = 5;

/// Maximum length of a subject in characters, so that it fits on one line in a list of messages.
const SUBJECT_CHARACTERS_MAX: usize = 150;

/// SMTP client that sends from a fixed address.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Email with content of its own, unlike a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Part of the message id before the `@`, the same for every attempt.
    pub id: String,
    /// Subject of the email.
    pub subject: String,
    /// Text, for mail clients that show no HTML.
    pub plain: String,
    /// HTML version of the same content; `None` for a letter of text alone.
    pub html: Option<String>,
    /// Name and content of the PDF attached to the HTML version, if there is one.
    pub pdf: Option<(String, Vec<u8>)>,
}

/// Reason why an email could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The message could not be written, for example because the address of a recipient is invalid.
    #[error("the email could not be created; check the recipients")]
    Unwritable,
    /// The server rejected the message or a recipient.
    #[error("the mail server rejected the email")]
    Refused {
        /// SMTP reply code from the server.
        status: u16,
    },
    /// The server could not be reached, or it closed the connection.
    #[error("the mail server could not be reached")]
    NoConnection,
}

impl Mailer {
    /// Creates a client for the server at `url` (`smtp://…`, `smtp://…?tls=required` or `smtps://…`) that sends from
    /// the address `from`.
    ///
    /// # Errors
    /// A description of what is wrong with one of the arguments. It never contains the URL, which may hold a password.
    pub fn new(url: &str, from: &str) -> Result<Self, &'static str> {
        let from = from.parse().map_err(|_| "the sender is not an email address")?;
        // Fails if a provider is already installed; ours is the only one compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let builder = builder.map_err(|_| "the mail server is not an `smtp://` or `smtps://` URL")?;
        Ok(Self { transport: builder.timeout(Some(SMTP_TIMEOUT)).build(), from })
    }

    /// Sends a message to all recipients.
    ///
    /// # Errors
    /// If the server did not accept the message. The message may still have arrived if the response was lost.
    pub async fn send(&self, to: &[String], message: &Message) -> Result<(), MailError> {
        let mail = self.write(to, message).ok_or(MailError::Unwritable)?;
        self.transport.send(mail).await.map(drop).map_err(|error| mail_error(&error))
    }

    /// Sends a letter to all recipients.
    ///
    /// # Errors
    /// The same as for [`Self::send`].
    pub async fn send_letter(&self, to: &[String], letter: Letter) -> Result<(), MailError> {
        let mail = self.write_letter(to, letter).ok_or(MailError::Unwritable)?;
        self.transport.send(mail).await.map(drop).map_err(|error| mail_error(&error))
    }

    fn write(&self, to: &[String], message: &Message) -> Option<lettre::Message> {
        let mail = self.addressed(to, &message.headline(), &message.wire_id())?;
        mail.multipart(MultiPart::alternative_plain_html(plain(message), html(message))).ok()
    }

    fn write_letter(&self, to: &[String], letter: Letter) -> Option<lettre::Message> {
        let mail = self.addressed(to, &letter.subject, &letter.id)?;
        let Some(html) = letter.html else {
            return mail.singlepart(SinglePart::plain(letter.plain)).ok();
        };
        let body = MultiPart::alternative_plain_html(letter.plain, html);
        let Some((name, pdf)) = letter.pdf else { return mail.multipart(body).ok() };
        let pdf = Attachment::new(name).body(pdf, ContentType::parse("application/pdf").ok()?);
        mail.multipart(MultiPart::mixed().multipart(body).singlepart(pdf)).ok()
    }

    fn addressed(&self, to: &[String], subject: &str, id: &str) -> Option<MessageBuilder> {
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(cut(subject, SUBJECT_CHARACTERS_MAX))
            // If a message arrives twice with the same id, mail clients show it once.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())));
        for address in to {
            mail = mail.to(Mailbox::new(None, address.parse::<Address>().ok()?));
        }
        Some(mail)
    }
}

fn mail_error(error: &SmtpError) -> MailError {
    match error.status() {
        Some(code) => MailError::Refused { status: code.into() },
        None => MailError::NoConnection,
    }
}

fn plain(message: &Message) -> String {
    let mut text = format!("{}\n", message.headline());
    for item in message.items.iter().take(ITEMS_MAX) {
        text.push_str(&format!("\n{}\n", item.headline()));
        for (name, value) in facts(item) {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        for quote in item.quotes(QUOTES, 280) {
            text.push_str(&format!("  > {quote}\n"));
        }
        if let Some(link) = message.link(item) {
            text.push_str(&format!("  {link}\n"));
        }
    }
    text.push_str(&omitted(message).map(|note| format!("\n{note}\n")).unwrap_or_default());
    text
}

fn html(message: &Message) -> String {
    let mut page = format!(
        "<!doctype html><html><body style=\"font-family:sans-serif\"><h2>{}</h2>",
        escaped(&message.headline())
    );
    for item in message.items.iter().take(ITEMS_MAX) {
        page.push_str(&format!("<h3>{}</h3><ul>", escaped(&item.headline())));
        for (name, value) in facts(item) {
            page.push_str(&format!("<li>{name}: {}</li>", escaped(&value)));
        }
        page.push_str("</ul>");
        for quote in item.quotes(QUOTES, 280) {
            page.push_str(&format!("<blockquote>{}</blockquote>", escaped(&quote)));
        }
        if let Some(link) = message.link(item) {
            page.push_str(&format!("<p><a href=\"{}\">Open in the dashboard</a></p>", escaped(&link)));
        }
    }
    page.push_str(&omitted(message).map(|note| format!("<p>{note}</p>")).unwrap_or_default());
    page.push_str("</body></html>");
    page
}

fn facts(item: &Item) -> Vec<(&'static str, String)> {
    if item.topic == Topic::Service {
        let since = item.text("/since").to_owned();
        return vec![("Process", item.subject()), ("Since", since), ("When", item.at.to_string())];
    }
    let number = |pointer| item.alert.pointer(pointer).map(ToString::to_string).unwrap_or_default();
    vec![
        ("About", item.subject()),
        ("Value", format!("{} (alert at {})", number("/value"), number("/threshold"))),
        ("Posts", number("/count")),
        ("When", item.at.to_string()),
    ]
}

fn omitted(message: &Message) -> Option<String> {
    let n_omitted = message.items.len().checked_sub(ITEMS_MAX)?;
    (n_omitted > 0).then(|| format!("and {n_omitted} more"))
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::{about_service, message};
    use super::*;
    use crate::models::notification::NoticeEvent;

    fn mail() -> Mailer {
        Mailer::new("smtp://127.0.0.1:1", "Groundswell <mood@example.org>").unwrap()
    }

    #[test]
    fn a_title_adds_no_header_and_a_post_no_html() {
        let mut message = message(1, 3);
        message.items[0].alert["posts"][0]["text"] = "<script>alert(1)</script>".into();
        let written = mail().write(&["a@example.org".to_owned()], &message).unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|line| line.starts_with("Bcc:")), "{headers}");
        assert!(headers.contains(&format!("Message-ID: <{}@example.org>", message.wire_id())), "{headers}");
        let page = html(&message);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert!(plain(&message).contains("  > <script>"));
    }

    #[test]
    fn a_letter_has_its_id_and_its_pdf() {
        let letter = Letter {
            id: "report-1".to_owned(),
            subject: "Weekly\r\nBcc: x@y.z".to_owned(),
            plain: "plain".to_owned(),
            html: Some("<p>html</p>".to_owned()),
            pdf: Some(("weekly.pdf".to_owned(), b"%PDF-1.4".to_vec())),
        };
        let written = mail().write_letter(&["a@example.org".to_owned()], letter.clone()).unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|line| line.starts_with("Bcc:")), "{headers}");
        assert!(headers.contains("Message-ID: <report-1@example.org>"), "{headers}");
        for part in ["multipart/alternative", "application/pdf", "filename=\"weekly.pdf\"", "text/plain"] {
            assert!(body.contains(part), "{part} is missing in\n{body}");
        }
        let text_of = |letter: Letter| {
            let written = mail().write_letter(&["a@example.org".to_owned()], letter).unwrap();
            String::from_utf8(written.formatted()).unwrap()
        };
        assert!(!text_of(Letter { pdf: None, ..letter.clone() }).contains("pdf"));
        let text = text_of(Letter { html: None, ..letter });
        assert!(!text.contains("multipart") && text.contains("Content-Type: text/plain"), "{text}");
    }

    #[test]
    fn email_about_the_service_names_the_process_and_no_posts() {
        let text = plain(&about_service(NoticeEvent::Fired));
        assert!(text.contains("Process: host:8080") && text.contains("> connection refused"), "{text}");
        assert!(!text.contains("Posts") && text.contains("https://mood.example.org/system"), "{text}");
    }

    #[test]
    fn an_invalid_server_or_sender_is_reported_without_its_password() {
        for (url, from) in [("http://user:pass@x", "a@b.c"), ("smtp://user:pass@x?tls=maybe", "a@b.c")] {
            let error = Mailer::new(url, from).err().unwrap();
            assert!(error.contains("mail server") && !error.contains("pass"));
        }
        assert!(Mailer::new("smtp://x", "nobody").err().unwrap().contains("sender"));
        for url in
            ["smtp://x", "smtp://u:p@x:587?tls=required", "smtp://x?tls=opportunistic", "smtps://u:p@x"]
        {
            assert!(Mailer::new(url, "a@b.c").is_ok(), "{url}");
        }
    }
}
