//! A channel as somebody wants it, and whether that can be.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::body;
use crate::http::error::ApiError;
use crate::http::extract;
use crate::http::state::AppState;
use crate::models::alert::Severity;
use crate::models::new_post::Rejection;
use crate::models::notification::{ChannelKind, Delivery, NewChannelSettings};
use crate::notify::settings::{self, Prepared, Problem, Secrets};
use crate::store::notifications::channels::ChannelDraft;

/// A channel is small; what is larger is none.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Longer names do not fit into a list.
const NAME_CHARACTERS_MAX: usize = 200;

/// A channel as somebody wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its name for people, 1 to 200 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// By which way. Never changes.
    pub(in crate::http) kind: ChannelKind,
    /// Whether anything is sent to it; true when absent. Enabling one that was disabled gives it a fresh start.
    #[serde(default = "yes")]
    enabled: bool,
    /// Where to.
    settings: NewChannelSettings,
    /// When; at once when absent. PagerDuty knows only that.
    #[serde(default = "immediate")]
    delivery: Delivery,
    /// What is less severe is not sent, unless a rule names this channel; `warning` when absent.
    #[serde(default = "warning")]
    minimum_severity: Severity,
    /// Whether it also hears what is wrong with the service itself: at once, and also while PostgreSQL is away; false when
    /// absent.
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

/// What the body says.
pub(in crate::http) async fn read(request: &HttpRequest, payload: Payload) -> Result<NewChannel, ApiError> {
    let body = body::receive(request, payload, BODY_BYTES_MAX).await?;
    extract::json(request, &body)
}

/// A wish that can be granted, and the secret to be told once.
pub(in crate::http) fn draft(
    state: &AppState,
    id: Uuid,
    wish: NewChannel,
    old: Option<&Secrets>,
) -> Result<(ChannelDraft, Option<String>), ApiError> {
    must_last(state)?;
    let name = wish.name.trim();
    if name.is_empty()
        || wish.name.chars().count() > NAME_CHARACTERS_MAX
        || name.chars().any(char::is_control)
    {
        return Err(rejected("name", &format!("must be 1 to {NAME_CHARACTERS_MAX} printable characters")));
    }
    if let Delivery::Digest { every_seconds } = wish.delivery {
        if wish.kind == ChannelKind::PagerDuty {
            return Err(rejected("delivery.mode", "must be `immediate`: an incident is one alert"));
        }
        if !(60..=86_400).contains(&every_seconds) {
            return Err(rejected("delivery.every_seconds", "must be 60 to 86400"));
        }
    }
    let prepared = settings::prepare(state.messenger.egress(), wish.kind, wish.settings, old);
    let Prepared { shown, secrets, told_once } =
        prepared.map_err(|Problem { field, message }| rejected(&format!("settings.{field}"), &message))?;
    let draft = ChannelDraft {
        id,
        name: name.to_owned(),
        kind: wish.kind,
        enabled: wish.enabled,
        settings: shown,
        delivery: wish.delivery,
        minimum_severity: wish.minimum_severity,
        service_alerts: wish.service_alerts,
        sealed: state.messenger.seal(id, &secrets),
        sealed_by: state.messenger.keyring().fingerprint().to_owned(),
    };
    Ok((draft, told_once))
}

/// Refuses to keep secrets that nobody could open tomorrow.
pub(in crate::http) fn must_last(state: &AppState) -> Result<(), ApiError> {
    if state.messenger.keyring().is_lasting() {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "no_secret_key",
        message: "this server has no key to keep secrets with; set GROUNDSWELL_SECRET_KEY".to_owned(),
    })
}

/// A field that cannot be so; `problem` continues the sentence that starts with its name.
pub(in crate::http) fn rejected(field: &str, problem: &str) -> ApiError {
    let message = format!("`{field}` {problem}");
    ApiError::Rejected(Rejection { code: "invalid_field", field: field.to_owned(), message })
}
