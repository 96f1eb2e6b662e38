//! Which events a client asked for.

use std::collections::HashSet;

use serde_json::Value;

use super::event::{Detail, HostEvent};

/// The kinds that a client of v2 can choose from.
const KINDS: [&str; 4] = ["commit", "identity", "account", "sync"];

/// The limits that both versions state.
const MAX_COLLECTIONS: usize = 100;
const MAX_DIDS: usize = 10_000;

/// What a client asked for. Nothing given means everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    kinds: Option<Vec<String>>,
    dids: Option<HashSet<String>>,
    collections: Option<Vec<String>>,
    /// The size of the largest frame in bytes, before compression.
    pub(super) max_bytes: Option<usize>,
}

impl Filter {
    /// Reads the parameters of v2, which rejects invalid values.
    pub(super) fn of_v2(query: &[(String, String)]) -> Result<Self, String> {
        for (old, new) in [
            ("wantedDids", "use dids"),
            ("wantedCollections", "use collections"),
            ("requireHello", "this endpoint is server-push only"),
        ] {
            if query.iter().any(|(name, _)| name == old) {
                return Err(format!("{old} is a parameter of /subscribe; {new}"));
            }
        }
        let kinds = values(query, "kinds");
        if kinds.len() > KINDS.len() {
            return Err(format!("too many kinds: {}", kinds.len()));
        }
        if let Some(unknown) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
            return Err(format!("unknown kind {unknown:?}; known are {}", KINDS.join(", ")));
        }
        let collections = values(query, "collections");
        if let Some(bad) = collections.iter().find(|pattern| !is_pattern_v2(pattern)) {
            return Err(format!("invalid collection: {bad}"));
        }
        if !collections.is_empty() && !kinds.is_empty() && !kinds.iter().any(|kind| kind == "commit") {
            return Err("collections can never apply: kinds excludes commit".to_owned());
        }
        let max_bytes = match values(query, "maxMessageSizeBytes").first() {
            Some(text) => text.parse::<u32>().map_err(|_| format!("invalid maxMessageSizeBytes: {text}"))?,
            None => 0,
        };
        Ok(Self {
            kinds: some(kinds),
            ..Self::of_lists(values(query, "dids"), collections, max_bytes.into())?
        })
    }

    /// Reads the parameters of v1, which treats an invalid size as no limit.
    pub(super) fn of_v1(query: &[(String, String)]) -> Result<Self, String> {
        let max_bytes = values(query, "maxMessageSizeBytes").first().and_then(|text| text.parse().ok());
        let (dids, collections) = (values(query, "wantedDids"), values(query, "wantedCollections"));
        Self::of_v1_lists(dids, collections, max_bytes.unwrap_or_default())
    }

    /// Reads the payload of an options update, which replaces everything.
    pub(super) fn of_update(payload: &Value) -> Result<Self, String> {
        let list = |name: &str| {
            let items = payload[name].as_array().into_iter().flatten();
            items.map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
        };
        let max_bytes = payload["maxMessageSizeBytes"].as_i64().unwrap_or_default();
        Self::of_v1_lists(list("wantedDids"), list("wantedCollections"), max_bytes)
    }

    fn of_v1_lists(mut dids: Vec<String>, collections: Vec<String>, max_bytes: i64) -> Result<Self, String> {
        // v1 counts repeated DIDs once; v2 counts all of them.
        let mut seen = HashSet::new();
        dids.retain(|did| seen.insert(did.clone()));
        if let Some(bad) = collections.iter().find(|pattern| !pattern.ends_with(".*") && !is_nsid(pattern)) {
            return Err(format!("invalid collection: {bad}"));
        }
        Self::of_lists(dids, collections, max_bytes)
    }

    fn of_lists(dids: Vec<String>, collections: Vec<String>, max_bytes: i64) -> Result<Self, String> {
        if dids.len() > MAX_DIDS {
            return Err(format!("too many DIDs: {} > {MAX_DIDS}", dids.len()));
        }
        if collections.len() > MAX_COLLECTIONS {
            return Err(format!("too many collections: {} > {MAX_COLLECTIONS}", collections.len()));
        }
        if let Some(bad) = dids.iter().find(|did| !is_did(did)) {
            return Err(format!("invalid DID: {bad}"));
        }
        let dids = some(dids).map(HashSet::from_iter);
        let max_bytes = usize::try_from(max_bytes).ok().filter(|bytes| *bytes > 0);
        Ok(Self { kinds: None, dids, collections: some(collections), max_bytes })
    }

    /// Whether the client wants an event. Collections limit commits only.
    pub(super) fn wants(&self, event: &HostEvent) -> bool {
        if matches!(event.detail, Detail::Raw(_)) {
            return true;
        }
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.iter().any(|kind| kind == event.detail.kind())) {
            return false;
        }
        if self.dids.as_ref().is_some_and(|dids| !dids.contains(&*event.did)) {
            return false;
        }
        let (Some(collections), Detail::Commit(commit)) = (&self.collections, &event.detail) else {
            return true;
        };
        collections.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => commit.collection.starts_with(prefix),
            None => commit.collection == pattern.as_str(),
        })
    }
}

/// The values of a repeated parameter.
pub(super) fn values(query: &[(String, String)], name: &str) -> Vec<String> {
    query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Whether `pattern` is an NSID, or becomes one if a name replaces its `*`.
fn is_pattern_v2(pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('.') && is_nsid(&format!("{prefix}x")),
        None => is_nsid(pattern),
    }
}

fn is_nsid(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let is_label =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.len() <= 317 && parts.len() >= 3 && parts.iter().all(is_label)
}

fn is_did(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    parts.next() == Some("did") && parts.all(|part| !part.is_empty()) && text.matches(':').count() >= 2
}
