//! Ingestion over HTTP: one post per request, as a webhook sends them, and in batches, as a collector does.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{PipelineParams, ServerUnderLoad};
use crate::bench::closed_loop::{HttpLoad, LoadResult, Pace, Requests};
use crate::bench::posts;

const PATH: &str = "/api/v1/posts";

/// Number of connections, each with one request in flight: a common default of load generators.
const N_CONNECTIONS: usize = 16;

/// Number of posts per batch: enough to make the cost of the request itself negligible.
const POSTS_PER_BATCH: usize = 100;

/// Number of connections that send batches. Two are enough to keep a server busy.
const N_CONNECTIONS_OF_BATCHES: usize = 4;

/// Maximum number of posts prepared per second of load. If all of them are sent before the time is up, the load ends
/// early; rates are based on the elapsed time.
const POSTS_PER_SECOND_MAX: u64 = 25_000;

/// Maximum number of posts prepared in total, because they are held in memory.
const POSTS_MAX: u64 = 1_500_000;

/// Figures for ingestion over HTTP.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct HttpFigures {
    /// One post per request.
    #[serde(flatten)]
    single: Ingestion,
    /// Many posts per request.
    batches: Ingestion,
}

/// Figures for one way of sending posts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Ingestion {
    posts_per_request: usize,
    connections: usize,
    #[serde(flatten)]
    pace: Pace,
    /// Posts accepted per second of elapsed time.
    accepted_per_second: f64,
    /// Posts stored per second, from the first request until the last post is stored.
    stored_per_second: f64,
    /// Number of 429 and 503 responses, after each of which the request was sent again.
    n_busy: usize,
}

impl HttpFigures {
    /// Formats the figures as table rows.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let summary = |way: &Ingestion| {
            format!(
                "{}; {:.0} posts per second accepted, {:.0} stored ({} connections, {} responses with 429)",
                way.pace.summary(),
                way.accepted_per_second,
                way.stored_per_second,
                way.connections,
                way.n_busy
            )
        };
        vec![
            ("over HTTP, one post per request", summary(&self.single)),
            ("over HTTP, 100 posts per request", summary(&self.batches)),
        ]
    }
}

/// Sends posts as fast as the server accepts them, first one per request, then in batches.
pub async fn measure(
    under_load: &mut ServerUnderLoad,
    params: &PipelineParams,
) -> anyhow::Result<HttpFigures> {
    let n_posts = |seconds: u64| usize::try_from((seconds * POSTS_PER_SECOND_MAX).min(POSTS_MAX));
    let single = Way { run: "http", posts_per_request: 1, connections: N_CONNECTIONS };
    let batches =
        Way { run: "http-batch", posts_per_request: POSTS_PER_BATCH, connections: N_CONNECTIONS_OF_BATCHES };
    let warm_up = Way { run: "http-warm-up", ..single };
    warm_up.send(under_load, params, n_posts(params.warm_up_seconds)?).await?;
    Ok(HttpFigures {
        single: single.send(under_load, params, n_posts(params.seconds)?).await?,
        batches: batches.send(under_load, params, n_posts(params.seconds)?).await?,
    })
}

#[derive(Clone, Copy)]
struct Way {
    run: &'static str,
    posts_per_request: usize,
    connections: usize,
}

impl Way {
    async fn send(
        self,
        under_load: &mut ServerUnderLoad,
        params: &PipelineParams,
        n_posts: usize,
    ) -> anyhow::Result<Ingestion> {
        let requests = Arc::new(self.requests(&under_load.supply.take(n_posts)?)?);
        let address = under_load.server.info.address.clone();
        let load = HttpLoad { address, requests, n_connections: self.connections, length: params.length() };
        let started = Instant::now();
        let result = load.send().await?;
        let n_accepted = result.n_accepted * self.posts_per_request;
        under_load.n_sent += n_accepted;
        under_load.drain().await?;
        let LoadResult { n_busy, elapsed, .. } = result;
        Ok(Ingestion {
            posts_per_request: self.posts_per_request,
            connections: self.connections,
            pace: result.pace(),
            accepted_per_second: n_accepted as f64 / elapsed.as_secs_f64(),
            stored_per_second: n_accepted as f64 / started.elapsed().as_secs_f64(),
            n_busy,
        })
    }

    /// Prepares requests that all carry the same number of posts.
    fn requests(self, texts: &[String]) -> anyhow::Result<Requests> {
        let mut requests = Requests::default();
        for (group, texts) in texts.chunks_exact(self.posts_per_request).enumerate() {
            let numbered = texts.iter().zip(group * self.posts_per_request..);
            let posts: Vec<_> = numbered.map(|(text, n)| posts::post(self.run, n, text)).collect();
            let json = match posts.as_slice() {
                [one] => serde_json::to_vec(one)?,
                many => serde_json::to_vec(many)?,
            };
            requests.post(PATH, &json);
        }
        Ok(requests)
    }
}
