//! Sends a message to one recipient, in a single attempt.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Url;
use uuid::Uuid;

use super::email::{Letter, MailError, Mailer};
use super::message::Message;
use super::retry_policy::{DeliveryResult, classify};
use super::settings::{Secrets, signing_secrets, subscriber};
use super::vapid::VapidKey;
use super::{pagerduty, slack, web_push, webhook};
use crate::egress::allowlist::Allowlist;
use crate::egress::{Egress, EgressError, PostRequest, Response, TIMEOUT};
use crate::keyring::{DecryptError, Keyring};
use crate::models::id::ChannelId;
use crate::models::notification::{Attempt, ChannelKind, ChannelSettings};

/// Parameters of a [`Messenger`]. Does not implement `Debug`, because the mail server's URL may hold a password.
#[derive(Clone)]
pub struct MessengerParams {
    /// Networks and hosts that requests may reach in addition to the public internet.
    pub allowed: Allowlist,
    /// Key that encrypts channel secrets.
    pub keyring: Keyring,
    /// URL of the mail server and address of the sender; if `None`, email is disabled.
    pub mail: Option<(String, String)>,
    /// URL of PagerDuty's Events API.
    pub pagerduty_url: String,
    /// Contact for operators of push services, as a `mailto:` or `https:` URL.
    pub push_subject: String,
    /// Public URL of the dashboard; if `None`, messages contain no links.
    pub dashboard: Option<String>,
}

/// Sends messages to channels of every kind.
pub struct Messenger {
    egress: Egress,
    keyring: Keyring,
    mail: Option<Mailer>,
    pagerduty_url: Url,
    push_subject: String,
    dashboard: Option<String>,
}

/// Where to send messages, and how.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Kind of channel, which determines the protocol.
    pub kind: ChannelKind,
    /// Settings of the channel that are not secret.
    pub public: ChannelSettings,
    /// Settings of the channel that are secret.
    pub secrets: Secrets,
    /// Key that identifies this server to push services; required only for `web_push`.
    pub vapid: Option<VapidKey>,
}

/// Outcome of one attempt to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Record of the attempt, to be stored and shown to people.
    pub attempt: Attempt,
    /// Result that determines whether to retry.
    pub result: DeliveryResult,
}

/// A parameter is invalid. Contains a description of the problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidParams(pub String);

impl Messenger {
    /// Creates a messenger without connecting to anything yet.
    ///
    /// # Errors
    /// If a parameter is invalid.
    pub fn new(params: MessengerParams) -> Result<Self, InvalidParams> {
        let egress = Egress::new(params.allowed).map_err(|error| InvalidParams(error.to_string()))?;
        let mail = params.mail.map(|(url, from)| Mailer::new(&url, &from)).transpose();
        Ok(Self {
            egress,
            keyring: params.keyring,
            mail: mail.map_err(|problem| InvalidParams(problem.to_owned()))?,
            pagerduty_url: Url::parse(&params.pagerduty_url)
                .map_err(|_| InvalidParams("PagerDuty's URL is not valid".to_owned()))?,
            push_subject: params.push_subject,
            dashboard: params.dashboard,
        })
    }

    /// Returns the HTTP client, which can also validate URLs.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Returns the key that encrypts channel secrets.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Returns the public URL of the dashboard, if one is configured.
    pub fn dashboard(&self) -> Option<String> {
        self.dashboard.clone()
    }

    /// Decrypts the secrets of a channel. `public` holds its other settings, among them, if an earlier version stored it,
    /// the URL of a webhook.
    ///
    /// # Errors
    /// [`DecryptError`] if the secrets cannot be decrypted or parsed.
    pub fn open(
        &self,
        channel: ChannelId,
        sealed: &[u8],
        public: &ChannelSettings,
    ) -> Result<Secrets, DecryptError> {
        let text = self.keyring.open(Uuid::from(channel).as_bytes(), sealed)?;
        let secrets: Secrets = serde_json::from_slice(&text).map_err(|_| DecryptError)?;
        Ok(secrets.with_url(public))
    }

    /// Encrypts the secrets of a channel.
    pub fn seal(&self, channel: ChannelId, secrets: &Secrets) -> Vec<u8> {
        let text = serde_json::to_vec(secrets).unwrap_or_default();
        self.keyring.seal(Uuid::from(channel).as_bytes(), &text)
    }

    /// Makes one attempt to send a message, within [`TIMEOUT`]. Only the status of the receiver's response is recorded.
    pub async fn send(&self, to: &Recipient, message: &Message) -> Outcome {
        let at = Timestamp::now();
        outcome_of(at, to.kind, self.attempt(to, message, at)).await
    }

    /// Makes one attempt to send a letter, within [`TIMEOUT`].
    pub async fn send_letter(&self, to: &[String], letter: Letter) -> Outcome {
        let attempt = async {
            let mailer = self.mailer()?;
            accepted(mailer.send_letter(to, letter).await)
        };
        outcome_of(Timestamp::now(), ChannelKind::Email, attempt).await
    }

    /// Returns whether a mail server is configured.
    pub fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Returns whether letters about accounts can be sent. They are no use without a link to the dashboard.
    pub fn sends_account_mail(&self) -> bool {
        self.sends_mail() && self.dashboard.is_some()
    }

    fn mailer(&self) -> Result<&Mailer, Failure> {
        const NO_SERVER: &str = "no mail server is configured; set `GROUNDSWELL_SMTP_URL`";
        self.mail.as_ref().ok_or(Failure { status: None, error: NO_SERVER.to_owned() })
    }

    async fn attempt(&self, to: &Recipient, message: &Message, now: Timestamp) -> Result<Response, Failure> {
        match &to.secrets {
            Secrets::Webhook { url, secret, previous } => {
                let url =
                    Url::parse(url.as_deref().ok_or_else(unusable)?).map_err(|_| EgressError::BadUrl)?;
                let secrets = signing_secrets(secret, previous.as_ref(), now);
                let post = webhook::request(url, &secrets, message, now).ok_or_else(unusable)?;
                Ok(self.egress.post(post).await?)
            }
            Secrets::Slack { url } => {
                let url = Url::parse(url).map_err(|_| EgressError::BadUrl)?;
                Ok(self.egress.post(slack::request(url, message)).await?)
            }
            Secrets::Email => self.mail(to.public.to.as_deref().unwrap_or_default(), message).await,
            Secrets::PagerDuty { routing_key } => {
                self.post_all(pagerduty::requests(&self.pagerduty_url, routing_key, message)).await
            }
            Secrets::WebPush { endpoint, keys } => {
                let subscriber = subscriber(endpoint, keys).ok_or_else(unusable)?;
                let vapid = to.vapid.as_ref().ok_or_else(unusable)?;
                let post = web_push::request(&subscriber, vapid, &self.push_subject, message);
                Ok(self.egress.post(post.ok_or_else(unusable)?).await?)
            }
        }
    }

    /// Sends requests one after another until one fails.
    async fn post_all(&self, posts: Vec<PostRequest>) -> Result<Response, Failure> {
        let mut last = Response { status: 202, retry_after: None };
        for post in posts {
            last = self.egress.post(post).await?;
            if !(200..300).contains(&last.status) {
                break;
            }
        }
        Ok(last)
    }

    async fn mail(&self, to: &[String], message: &Message) -> Result<Response, Failure> {
        accepted(self.mailer()?.send(to, message).await)
    }
}

/// Waits for an attempt, within [`TIMEOUT`], and records it.
async fn outcome_of(
    at: Timestamp,
    kind: ChannelKind,
    attempt: impl Future<Output = Result<Response, Failure>>,
) -> Outcome {
    let began_at = Instant::now();
    let failed = DeliveryResult::Failed { retry_after: None, slows_channel: false };
    let sent = tokio::time::timeout(TIMEOUT, attempt).await;
    let (status, error, result) = match sent.unwrap_or(Err(Failure::from(EgressError::TimedOut))) {
        Ok(answer) => {
            let result = classify(answer.status, answer.retry_after, kind);
            let error = (result != DeliveryResult::Delivered).then(|| failure_text(answer.status));
            (Some(answer.status), error, result)
        }
        Err(Failure { status, error }) => (status, Some(error), failed),
    };
    let duration_ms = u64::try_from(began_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    Outcome { attempt: Attempt { at, status, error, duration_ms }, result }
}

/// Converts the result of sending an email into the response of a receiver.
fn accepted(sent: Result<(), MailError>) -> Result<Response, Failure> {
    match sent {
        Ok(()) => Ok(Response { status: 250, retry_after: None }),
        Err(error @ MailError::Refused { status }) => {
            Err(Failure { status: Some(status), error: error.to_string() })
        }
        Err(error) => Err(Failure { status: None, error: error.to_string() }),
    }
}

struct Failure {
    status: Option<u16>,
    error: String,
}

impl From<EgressError> for Failure {
    fn from(error: EgressError) -> Self {
        Self { status: None, error: error.to_string() }
    }
}

fn unusable() -> Failure {
    Failure { status: None, error: "the channel's settings could not be read; enter them again".to_owned() }
}

fn failure_text(status: u16) -> String {
    match status {
        300..=399 => "the receiver responded with a redirect, which is not followed".to_owned(),
        410 => "the receiver no longer exists".to_owned(),
        429 => "the receiver is limiting the rate of requests".to_owned(),
        500..=599 => "the receiver had an internal error".to_owned(),
        _ => "the receiver rejected the message".to_owned(),
    }
}

/// How long a worker leases a notification: twice the timeout of an attempt, to cover the work before and after it.
pub const LEASE: Duration = Duration::from_secs(TIMEOUT.as_secs() * 2);
