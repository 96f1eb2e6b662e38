//! Destinations for service alerts, set in the configuration. They work even while the database is down.
//!
//! | form | how alerts arrive |
//! |---|---|
//! | `webhook+https://host/path#whsec_…` | requests signed with the secret after `#`, which is never sent |
//! | `slack+https://host/path` | text through an incoming webhook of Slack, Mattermost or Rocket.Chat |
//! | `mailto:ann@example.org` | email |
//! | `pagerduty:KEY` | incidents |

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::messenger::Recipient;
use super::settings::{PreparedSettings, prepare};
use crate::egress::Egress;
use crate::models::alert::Severity;
use crate::models::notification::{ChannelKind, NewChannelSettings};

const FORMS: &str = "must be `webhook+https://…#whsec_…`, `slack+https://…`, `mailto:…` or `pagerduty:…`";

/// Configured destination for service alerts.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Id of the stored channel, or an id derived from the configuration so that it survives restarts.
    pub id: Uuid,
    /// Recipient of the alerts, with its secrets.
    pub recipient: Recipient,
    /// Minimum severity of the alerts to send.
    pub minimum_severity: Severity,
}

/// Parses a destination in one of the forms above.
///
/// # Errors
/// A predicate that says what is wrong, without revealing a secret.
pub fn parse(egress: &Egress, text: &str) -> Result<Destination, String> {
    let text = text.trim();
    let (scheme, rest) = text.split_once(':').ok_or(FORMS)?;
    let mut settings = NewChannelSettings::default();
    let kind = match scheme {
        "webhook+https" | "webhook+http" => {
            let (url, secret) = text
                .split_once('#')
                .ok_or("must end in `#whsec_…`, the secret that signs messages, 24 to 64 bytes in base64")?;
            settings.url = Some(url.trim_start_matches("webhook+").to_owned());
            settings.secret = Some(secret.to_owned());
            ChannelKind::Webhook
        }
        "slack+https" | "slack+http" => {
            settings.url = Some(text.trim_start_matches("slack+").to_owned());
            ChannelKind::Slack
        }
        "mailto" => {
            settings.to = Some(vec![rest.to_owned()]);
            ChannelKind::Email
        }
        "pagerduty" => {
            settings.routing_key = Some(rest.to_owned());
            ChannelKind::PagerDuty
        }
        _ => return Err(FORMS.to_owned()),
    };
    let prepared = prepare(egress, kind, settings, None);
    let PreparedSettings { public, secrets, .. } =
        prepared.map_err(|problem| format!("`{}` {}", problem.field, problem.message))?;
    let recipient = Recipient { kind, public, secrets, vapid: None };
    Ok(Destination { id: id_of(text), recipient, minimum_severity: Severity::Info })
}

fn id_of(text: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(text)).for_each(|(byte, digest)| *byte = digest);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::allowlist::Allowlist;

    const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

    fn parsed(text: &str) -> Result<Destination, String> {
        parse(&Egress::new(Allowlist::default()).unwrap(), text)
    }

    #[test]
    fn each_form_is_read() {
        let webhook = format!("webhook+https://ops.example.org/hook?to=us#{SECRET}");
        let check = |text: &str, kind| assert_eq!(parsed(text).unwrap().recipient.kind, kind, "{text}");
        check(&webhook, ChannelKind::Webhook);
        check("slack+https://hooks.slack.com/services/T/B/x", ChannelKind::Slack);
        check("mailto:ann@example.org", ChannelKind::Email);
        check("pagerduty:0123456789abcdef0123456789abcdef", ChannelKind::PagerDuty);
        assert_eq!(parsed(&webhook).unwrap().id, parsed(&webhook).unwrap().id);
    }

    #[test]
    fn an_invalid_destination_is_rejected_without_revealing_secrets() {
        let refused = |text: &str, expected: &str| {
            let problem = parsed(text).err().unwrap();
            assert!(problem.contains(expected) && !problem.contains("c2hvcnQ"), "{text}: {problem}");
        };
        refused("https://ops.example.org", "webhook+https");
        refused("ops.example.org", "webhook+https");
        refused("webhook+https://ops.example.org/hook", "whsec_");
        refused("webhook+https://ops.example.org/hook#whsec_c2hvcnQ=", "24 to 64 bytes");
        refused(&format!("webhook+http://ops.example.org/hook#{SECRET}"), "https://");
        refused(&format!("webhook+https://127.0.0.1/hook#{SECRET}"), "--egress-allow");
        refused("slack+https://10.0.0.1/c2hvcnQ", "--egress-allow");
        refused("mailto:nobody", "not a valid email address");
        refused("pagerduty:short", "32 letters");
    }
}
