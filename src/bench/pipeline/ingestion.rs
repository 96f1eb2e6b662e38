//! Posts over HTTP: one a request, as a webhook sends them, and in batches, as a collector does.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{PipelineParams, Sitting};
use crate::bench::http_load::{Answers, HttpLoad, Pace, Requests};
use crate::bench::posts;

const PATH: &str = "/api/v1/posts";

/// Connections at the same time, each with one request under way: what load generators do unless told otherwise.
const N_CONNECTIONS: usize = 16;

/// Enough that a request costs little beside its posts.
const POSTS_PER_BATCH: usize = 100;

/// Connections that send batches: two keep a server busy.
const N_CONNECTIONS_OF_BATCHES: usize = 4;

/// More posts are not made ready for each second. When all are sent, the load ends early; rates go by the time that passed.
const POSTS_PER_SECOND_MAX: u64 = 25_000;

/// Nor more in all, since they lie in memory.
const POSTS_MAX: u64 = 1_500_000;

/// Over HTTP.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct HttpFigures {
    /// One post a request.
    #[serde(flatten)]
    single: Ingestion,
    /// Many posts a request.
    batches: Ingestion,
}

/// One way to send posts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Ingestion {
    posts_per_request: usize,
    connections: usize,
    #[serde(flatten)]
    pace: Pace,
    /// Posts that were granted a second.
    accepted_per_second: f64,
    /// From the first request until all are stored.
    stored_per_second: f64,
    /// Answers that the stream is full; the same was sent again.
    n_busy: usize,
}

impl HttpFigures {
    /// For people.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let in_words = |way: &Ingestion| {
            format!(
                "{}; {:.0} posts a second accepted, {:.0} stored ({} connections, {} answers 429)",
                way.pace.in_words(),
                way.accepted_per_second,
                way.stored_per_second,
                way.connections,
                way.n_busy
            )
        };
        vec![
            ("over HTTP, one post a request", in_words(&self.single)),
            ("over HTTP, 100 posts a request", in_words(&self.batches)),
        ]
    }
}

/// Sends posts as fast as they are accepted, first one a request, then in batches.
pub async fn measure(sitting: &mut Sitting, params: &PipelineParams) -> anyhow::Result<HttpFigures> {
    let n_posts = |seconds: u64| usize::try_from((seconds * POSTS_PER_SECOND_MAX).min(POSTS_MAX));
    let single = Way { run: "http", posts_per_request: 1, connections: N_CONNECTIONS };
    let batches =
        Way { run: "http-batch", posts_per_request: POSTS_PER_BATCH, connections: N_CONNECTIONS_OF_BATCHES };
    let warm_up = Way { run: "http-warm-up", ..single };
    warm_up.send(sitting, params, n_posts(params.warm_up_seconds)?).await?;
    Ok(HttpFigures {
        single: single.send(sitting, params, n_posts(params.seconds)?).await?,
        batches: batches.send(sitting, params, n_posts(params.seconds)?).await?,
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
        sitting: &mut Sitting,
        params: &PipelineParams,
        n_posts: usize,
    ) -> anyhow::Result<Ingestion> {
        let requests = Arc::new(self.requests(&sitting.supply.take(n_posts)?)?);
        let address = sitting.server.info.address.clone();
        let load = HttpLoad { address, requests, n_connections: self.connections, length: params.length() };
        let started = Instant::now();
        let answers = load.send().await?;
        let n_accepted = answers.n_granted * self.posts_per_request;
        sitting.n_sent += n_accepted;
        sitting.drain().await?;
        let Answers { n_busy, elapsed, .. } = answers;
        Ok(Ingestion {
            posts_per_request: self.posts_per_request,
            connections: self.connections,
            pace: answers.pace(),
            accepted_per_second: n_accepted as f64 / elapsed.as_secs_f64(),
            stored_per_second: n_accepted as f64 / started.elapsed().as_secs_f64(),
            n_busy,
        })
    }

    /// Whole requests only: each has as many posts as the others.
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
