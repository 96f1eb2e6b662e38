//! Entries of the audit log: who did what, to what, from where, and when.

mod action; // what was done
mod chain; // rows, links and checkpoints, as stored

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

pub use self::action::Action;
pub use self::chain::{
    AuditRow, ChainEnd, ChainedRow, Checkpoint, CheckpointKind, HASH_BYTES, Hash, Inet, Link, SealedRow,
    SignedCheckpoint, Unchained, Waiting,
};
use super::id::AuditId;
use super::principal::{Identity, Principal};

/// Who acted, as the audit log names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditActor {
    /// Kind of caller, such as `user` or `api_key`.
    pub kind: &'static str,
    /// Id of the account, key, client or share link; `None` for callers without an id, such as the operator.
    pub id: Option<String>,
    /// Name that the caller gave, which is not verified, or of an account on the machine.
    pub name: Option<String>,
}

impl AuditActor {
    /// Groundswell itself.
    pub const SYSTEM: Self = Self { kind: "system", id: None, name: None };

    /// Returns the actor for somebody with access to the machine, by the name of their account there.
    pub const fn command_line(name: String) -> Self {
        Self { kind: "command_line", id: None, name: Some(name) }
    }

    /// Returns the actor for a caller, or for a stranger if there is no principal.
    pub fn of(principal: Option<&Principal>) -> Self {
        match principal {
            Some(principal) => Self::identified(principal.identity),
            None => Self { kind: "stranger", id: None, name: None },
        }
    }

    /// Returns the actor for a caller whose identity is known.
    pub fn identified(identity: Identity) -> Self {
        let (kind, id) = match identity {
            Identity::LocalOperator => ("local_operator", None),
            Identity::Operator => ("operator", None),
            Identity::User(id) => ("user", Some(id.to_string())),
            Identity::ApiKey(id) => ("api_key", Some(id.to_string())),
            Identity::Client(id) => ("client", Some(id.to_string())),
            Identity::ShareHolder(id) => ("share_holder", Some(id.to_string())),
        };
        Self { kind, id, name: None }
    }
}

/// Entry of the audit log, as the API returns it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditLog)]
pub struct AuditEntry {
    /// Id of the entry.
    pub id: AuditId,
    /// Time of the action.
    pub created_at: Timestamp,
    /// What was done, such as `alert_rule_created`.
    pub action: String,
    /// Kind of the actor: `user`, `api_key`, `client`, `operator`, `local_operator`, `share_holder`, `stranger`,
    /// `command_line` or `system`.
    pub actor_kind: String,
    /// Id of the account, key, client or share link that acted; null if the kind says everything.
    pub actor_id: Option<String>,
    /// Name or email address of a person, name of a key or client, on the command line the name of the account on the machine,
    /// or the name that the operator gave in `X-Groundswell-Actor`, which is not verified; null if there is none.
    pub actor_name: Option<String>,
    /// Id of what was changed; null if the action concerns no single object.
    pub object: Option<String>,
    /// Address from which the request came; null if there was no request.
    #[schema(value_type = Option<String>)]
    pub ip_address: Option<IpAddr>,
    /// Details, such as the object `before` and `after` the change. Secrets are replaced by `[hidden]`.
    #[schema(value_type = HashMap<String, serde_json::Value>)]
    pub payload: Box<RawValue>,
    /// Position in the hash chain; null until the entry has been chained, within seconds.
    pub seq: Option<i64>,
}

/// Which entries of the audit log to return. Absent conditions match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Ids, kinds or names of actors, any of which matches.
    pub actors: Vec<String>,
    /// Actions, any of which matches.
    pub actions: Vec<Action>,
    /// Id of the object.
    pub object: Option<String>,
    /// Earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time, exclusive.
    pub to: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::{ApiKeyId, ShareLinkId};

    #[test]
    fn an_actor_is_named_by_its_kind_and_id() {
        let check = |principal: Option<Principal>, kind: &str, id: Option<&str>| {
            let actor = AuditActor::of(principal.as_ref());
            assert_eq!((actor.kind, actor.id.as_deref(), actor.name), (kind, id, None));
        };
        let zero = "00000000-0000-0000-0000-000000000000";
        let key = Identity::ApiKey(ApiKeyId::from_u128(0));
        check(None, "stranger", None);
        check(Some(Principal::operator()), "operator", None);
        check(Some(Principal::local_operator()), "local_operator", None);
        check(Some(Principal::share_holder(ShareLinkId::from_u128(0))), "share_holder", Some(zero));
        check(Some(Principal { identity: key, ..Principal::operator() }), "api_key", Some(zero));
    }
}
