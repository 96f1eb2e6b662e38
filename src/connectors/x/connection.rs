//! Opens connections to the filtered stream.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio::time::Instant;

use super::api::{Api, Call, CallError};
use super::limits::Endpoint;
use super::lines::Lines;
use super::post::FIELDS;
use super::rules;
use super::spending::Spending;
use crate::connectors::ConnectorError;
use crate::egress::exchange::StreamedResponse;

/// Open stream.
pub(super) struct Connection {
    pub stream: StreamedResponse,
    pub lines: Lines,
    /// Ids of the rules that match the queries of the source.
    pub rules: HashSet<String>,
    /// Time at which anything was last received.
    pub heard_at: Instant,
    /// Time at which the last post was received.
    pub post_at: Instant,
}

/// Opens a stream of posts that match the queries, if the budget allows it.
pub(super) async fn open(
    api: Api,
    queries: Vec<String>,
    spending: Spending,
) -> Result<Connection, ConnectorError> {
    if spending.n_posts_left().await? == 0 {
        return Err(spending.spent(Timestamp::now()));
    }
    let rules = rules::reconcile(&api, &queries).await?;
    let call =
        Call { endpoint: Endpoint::Stream, path: "2/tweets/search/stream", query: &FIELDS, json: None };
    let stream = api.open(call).await.map_err(CallError::into_error)?;
    let now = Instant::now();
    Ok(Connection { stream, lines: Lines::default(), rules, heard_at: now, post_at: now })
}
