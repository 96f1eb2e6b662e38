//! Body of requests that create or replace a notification channel, and its validation.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::extract;
use crate::http::state::AppState;
use crate::models::alert::Severity;
use crate::models::hidden_characters::is_hidden;
use crate::models::id::ChannelId;
use crate::models::notification::{ChannelKind, Delivery, NewChannelSettings};
use crate::notify::settings::{self, PreparedSettings, Secrets, SettingError};
use crate::store::notifications::channels::ChannelDraft;

/// Maximum body size in bytes; a channel takes up a few hundred.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Maximum length of a name in characters; longer names do not fit into a list.
const NAME_CHARACTERS_MAX: usize = 200;

/// Notification channel to create or replace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Display name, 1 to 200 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    name: String,
    /// Service or protocol through which the channel delivers messages. Cannot be changed later.
    pub(in crate::http) kind: ChannelKind,
    /// Whether messages are sent to the channel; defaults to true. Enabling a disabled channel clears its failures.
    #[serde(default = "yes")]
    enabled: bool,
    /// Settings; the kind of channel determines which are required.
    settings: NewChannelSettings,
    /// When the channel sends its messages; defaults to `immediate`, the only value that PagerDuty supports.
    #[serde(default = "immediate")]
    delivery: Delivery,
    /// Minimum severity of alerts to send; ignored for rules that name this channel. Defaults to `warning`.
    #[serde(default = "warning")]
    minimum_severity: Severity,
    /// Whether the channel also receives service alerts, which are sent at once, even while PostgreSQL is down.
    /// Defaults to false.
    #[serde(default)]
    service_alerts: bool,
}

fn yes() -> bool {
    true
}

fn immediate() -> Delivery {
    Delivery::Immediate
}

fn warning() -> Severity {
    Severity::Warning
}

/// Reads a notification channel from the request body.
pub(in crate::http) async fn read(request: &HttpRequest, payload: Payload) -> Result<NewChannel, ApiError> {
    extract::json_body(request, payload, BODY_BYTES_MAX).await
}

/// Validates a request. Returns the channel to store and, if there is one, the secret to reveal once.
pub(in crate::http) fn draft(
    state: &AppState,
    id: ChannelId,
    new: NewChannel,
    old: Option<&Secrets>,
) -> Result<(ChannelDraft, Option<String>), ApiError> {
    require_persistent_key(state)?;
    let name = new.name.trim();
    if name.is_empty() || new.name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(is_hidden) {
        return Err(rejected("name", &format!("must be 1 to {NAME_CHARACTERS_MAX} characters on one line")));
    }
    if let Delivery::Digest { every_seconds } = new.delivery {
        if new.kind == ChannelKind::PagerDuty {
            return Err(rejected(
                "delivery.mode",
                "must be `immediate` for PagerDuty, where each alert is an incident of its own",
            ));
        }
        if !(60..=86_400).contains(&every_seconds) {
            return Err(rejected("delivery.every_seconds", "must be between 60 and 86400"));
        }
    }
    let prepared = settings::prepare(state.messenger.egress(), new.kind, new.settings, old);
    let PreparedSettings { public, secrets, revealed_secret } = prepared
        .map_err(|SettingError { field, message }| rejected(&format!("settings.{field}"), &message))?;
    let draft = ChannelDraft {
        id,
        name: name.to_owned(),
        kind: new.kind,
        enabled: new.enabled,
        settings: public,
        delivery: new.delivery,
        minimum_severity: new.minimum_severity,
        service_alerts: new.service_alerts,
        sealed: state.messenger.seal(id, &secrets),
        sealed_by: state.messenger.keyring().fingerprint().to_owned(),
    };
    Ok((draft, revealed_secret))
}

/// Returns an error if the encryption key would be lost when the process ends, because secrets encrypted with it would
/// be lost too.
pub(in crate::http) fn require_persistent_key(state: &AppState) -> Result<(), ApiError> {
    if state.messenger.keyring().is_persistent() {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "no_secret_key",
        message: "this server has no key to encrypt secrets with; set GROUNDSWELL_SECRET_KEY".to_owned(),
    })
}

/// Returns an error for an invalid field; `problem` is a predicate such as `must be between 60 and 86400`.
pub(in crate::http) fn rejected(field: &str, problem: &str) -> ApiError {
    ApiError::invalid_field(field, format!("`{field}` {problem}"))
}
