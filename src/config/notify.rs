//! Settings for notifications.

use clap::Args;

use super::Secret;
use super::error::{ConfigError, invalid};
use crate::egress::Egress;
use crate::egress::allowlist::Allowlist;
use crate::keyring::SECRET_CHARACTERS_MIN;
use crate::models::notification::ChannelKind;
use crate::notify::operator_destinations::{self, Destination};

/// The table `[notify]`: how and where notifications are sent.
#[derive(Debug, Clone, Args)]
#[group(id = "notify")]
pub struct NotifySettings {
    /// Public URL of the dashboard, for links in messages
    #[arg(long, env = "GROUNDSWELL_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Subnets, addresses and host names outside the public internet that notifications and sources may connect to, even
    /// over plain http, separated by commas
    #[arg(long, env = "GROUNDSWELL_EGRESS_ALLOW", value_delimiter = ',')]
    pub egress_allow: Vec<String>,
    /// Deprecated alias of --egress-allow; the entries of both are combined
    #[arg(long, env = "GROUNDSWELL_NOTIFY_ALLOW", value_delimiter = ',')]
    pub notify_allow: Vec<String>,
    /// Key that encrypts the secrets of notification channels and webhooks and the credentials of sources, at least 32
    /// characters, the same for all processes that share a database; by default, generated and kept in the file
    /// secret.key in the data directory
    #[arg(long, env = "GROUNDSWELL_SECRET_KEY", hide_env_values = true, value_parser = secret_key)]
    pub secret_key: Option<Secret>,
    /// Mail server: smtps://user:password@host, smtp://…?tls=required, smtp://…?tls=opportunistic or smtp://…
    #[arg(long, env = "GROUNDSWELL_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Secret>,
    /// Sender of mail, such as Groundswell <mood@example.org>
    #[arg(long, env = "GROUNDSWELL_SMTP_FROM")]
    pub smtp_from: Option<String>,
    /// Contact for this server that push services receive, as a mailto: or https: URL; by default, the sender of mail
    #[arg(long, env = "GROUNDSWELL_PUSH_SUBJECT")]
    pub push_subject: Option<String>,
    /// PagerDuty's events endpoint; accounts in Europe use a different one
    #[arg(
        long,
        env = "GROUNDSWELL_PAGERDUTY_URL",
        default_value = "https://events.pagerduty.com/v2/enqueue"
    )]
    pub pagerduty_url: String,
    /// Channels that receive service alerts, even while PostgreSQL or Redis is down, separated by commas:
    /// webhook+https://host/path#whsec_…, slack+https://host/path, mailto:address or pagerduty:key
    #[arg(
        long = "operator-channel",
        env = "GROUNDSWELL_OPERATOR_CHANNELS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub operator_channels: Vec<Secret>,
}

impl NotifySettings {
    /// Returns the destinations outside the public internet that may be reached.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first entry that is not a subnet, address or host name.
    pub fn egress_allowlist(&self) -> Result<Allowlist, ConfigError> {
        let settings = [
            ("GROUNDSWELL_EGRESS_ALLOW", &self.egress_allow),
            ("GROUNDSWELL_NOTIFY_ALLOW", &self.notify_allow),
        ];
        let mut allowed = Allowlist::default();
        for (variable, entries) in settings {
            let entries = Allowlist::parse(entries.iter().map(String::as_str)).map_err(|entry| {
                invalid(variable, &format!("`{entry}` is not a subnet, address or host name"))
            })?;
            allowed.add(entries);
        }
        Ok(allowed)
    }

    /// Returns the channels that receive service alerts.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the position of the first entry that cannot be used. The entry itself may contain
    /// a secret.
    pub fn operators(&self) -> Result<Vec<Destination>, ConfigError> {
        const VARIABLE: &str = "GROUNDSWELL_OPERATOR_CHANNELS";
        let egress =
            Egress::new(self.egress_allowlist()?).map_err(|error| invalid(VARIABLE, &error.to_string()))?;
        let mut operators = Vec::new();
        for (i, text) in self.operator_channels.iter().enumerate() {
            let destination = operator_destinations::parse(&egress, text.expose())
                .map_err(|problem| invalid(VARIABLE, &format!("entry {} {problem}", i + 1)))?;
            if destination.recipient.kind == ChannelKind::Email && self.smtp_url.is_none() {
                let problem = format!("entry {} needs a mail server: set GROUNDSWELL_SMTP_URL", i + 1);
                return Err(invalid(VARIABLE, &problem));
            }
            operators.push(destination);
        }
        Ok(operators)
    }

    /// Returns the contact that push services receive for this server.
    pub fn push_subject(&self) -> String {
        if let Some(subject) = &self.push_subject {
            return subject.clone();
        }
        let sender = self.smtp_from.as_deref().and_then(|from| from.rsplit('<').next());
        let sender = sender.map_or("nobody@example.com", |address| address.trim_end_matches('>').trim());
        format!("mailto:{sender}")
    }
}

/// Reads a secret key.
///
/// # Errors
/// If it is too short.
pub fn secret_key(text: &str) -> Result<Secret, String> {
    if text.trim().len() < SECRET_CHARACTERS_MIN {
        return Err(format!("must be at least {SECRET_CHARACTERS_MIN} characters long"));
    }
    Ok(text.to_owned().into())
}
