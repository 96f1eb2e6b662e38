//! Something to record in the audit log.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::redaction;
use crate::models::audit::{Action, AuditActor, AuditRow, Inet};

/// Something to record.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who acted.
    pub actor: AuditActor,
    /// What was done.
    pub action: Action,
    /// Id of what was changed.
    pub object: Option<String>,
    /// Address from which the request came.
    pub from: Option<IpAddr>,
    /// Details by name, such as the object `before` and `after` the change. Secrets are hidden.
    pub payload: Map<String, Value>,
}

impl Entry {
    /// Returns the row of the entry, without secrets.
    pub(super) fn into_row(self, at: Timestamp) -> AuditRow {
        let Self { actor, action, object, from, payload } = self;
        let text = |text: String| text.replace('\0', "");
        AuditRow {
            id: Uuid::now_v7(),
            created_at: at.as_microsecond(),
            action: action.as_str().to_owned(),
            actor_kind: actor.kind.to_owned(),
            actor_id: actor.id.map(text),
            actor_name: actor.name.map(text),
            object: object.map(text),
            ip_address: from.map(|address| Inet::from(address.to_canonical())),
            payload: redaction::redacted(Value::Object(payload)).to_string(),
        }
    }
}
