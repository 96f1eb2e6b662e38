//! Records what a request did: the one way in which handlers write to the audit log.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::actor_names::ActorNames;
use crate::auth::audit::auditor::{AuditError, Auditor};
use crate::auth::audit::entry::Entry;
use crate::http::client_address::ClientAddress;
use crate::http::error::ApiError;
use crate::http::extract;
use crate::http::state::AppState;
use crate::models::audit::{Action, AuditActor};
use crate::models::principal::{Identity, Principal};

/// Who makes a request and from where, and the audit log that records what it does.
///
/// A handler records a change once it is made and before it responds. If the entry cannot be stored, the response is an
/// error, although the change was made.
#[derive(Clone)]
pub struct Trail {
    auditor: Auditor,
    names: ActorNames,
    actor: AuditActor,
    from: Option<IpAddr>,
    query: String,
}

impl Trail {
    /// Returns the trail of a request.
    ///
    /// # Errors
    /// If the application has no state.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let state = request.app_data::<Data<AppState>>();
        let state = state.ok_or_else(|| ApiError::internal("the application has no state"))?;
        let mut actor = AuditActor::of(request.extensions().get::<Principal>());
        // Calls that declare the header refuse an invalid name themselves; others have no reason to.
        let name = extract::actor(request).ok().flatten();
        actor.name = name.map(|name| name.as_str().to_owned());
        let query = request.query_string().to_owned();
        let (auditor, names) = (state.auditor.clone(), state.actor_names.clone());
        Ok(Self { auditor, names, actor, from: ClientAddress::of(request), query })
    }

    /// Names the actor, where the request itself establishes who it is, as a sign-in does.
    pub async fn by(self, identity: Identity) -> Self {
        // An entry without a name is better than none: the id says who it was.
        let name = self.names.of(identity).await.ok().flatten();
        let name = name.map(|name| name.as_str().to_owned());
        Self { actor: AuditActor { name, ..AuditActor::identified(identity) }, ..self }
    }

    /// Records that something was created.
    ///
    /// # Errors
    /// If the entry could not be stored.
    pub async fn created(
        &self,
        action: Action,
        id: impl ToString,
        after: &impl Serialize,
    ) -> Result<(), ApiError> {
        self.record(action, Some(id.to_string()), [("after", json_of(after)?)]).await
    }

    /// Records that something was changed.
    ///
    /// # Errors
    /// If the entry could not be stored.
    pub async fn changed(
        &self,
        action: Action,
        id: impl ToString,
        (before, after): (&impl Serialize, &impl Serialize),
    ) -> Result<(), ApiError> {
        let details = [("before", json_of(before)?), ("after", json_of(after)?)];
        self.record(action, Some(id.to_string()), details).await
    }

    /// Records that something was deleted.
    ///
    /// # Errors
    /// If the entry could not be stored.
    pub async fn deleted(
        &self,
        action: Action,
        id: impl ToString,
        before: &impl Serialize,
    ) -> Result<(), ApiError> {
        self.record(action, Some(id.to_string()), [("before", json_of(before)?)]).await
    }

    /// Records that data is about to be exported, with the parameters of the request.
    ///
    /// # Errors
    /// If the entry could not be stored. Nothing must be exported then.
    pub async fn exported(&self, action: Action) -> Result<(), ApiError> {
        self.record(action, None, [("query", Value::from(self.query.as_str()))]).await
    }

    /// Records an action with details of its own.
    ///
    /// # Errors
    /// If the entry could not be stored.
    pub async fn record(
        &self,
        action: Action,
        object: Option<String>,
        details: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<(), ApiError> {
        let payload: Map<String, Value> =
            details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let entry = Entry { actor: self.actor.clone(), action, object, from: self.from, payload };
        Ok(self.auditor.record(entry).await?)
    }
}

impl FromRequest for Trail {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

fn json_of(value: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(ApiError::internal)
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        Self::Unavailable { what: "the audit log", why: error.to_string() }
    }
}
