//! Groundswell reads what people say about a brand and tells within milliseconds how they feel, who is about to
//! leave and what is about to spread.
//!
//! ```text
//! connectors ──XADD──▶ social_posts_stream ──XREADGROUP──▶ Ingester ──ScoreBatch──▶ InferencePool ──RecordBatch──▶ Aggregator
//!                              ▲                             │  ▲                                                  │  │
//!                              └──── XACK or redelivery ─────┘  └──────────────── the batch's ticket ──────────────┘  ▼
//! browser ◀──ws── Outbox ◀── Broadcaster ◀──PublishMetrics── live_metrics ◀── sentiment_updates ◀── Aggregator     PostgreSQL
//! ```

// Tests compute with small numbers they chose themselves.
#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)
)]

pub mod app; // wiring: servers, stages from last to first, HTTP, graceful stop
pub mod bench; // measurements that anybody can repeat
pub mod cli; // what each command does
pub mod config; // every setting

pub mod models; // what the data is

pub mod stream; // Redis: posts in and out, dead letters, news between processes

pub mod anomaly; // unusual changes of a series against its own history, pure
pub mod alerting; // measurements and rules to what people are told, pure
pub mod enrich; // language, place, products, reach
pub mod inference; // text to score, pure
pub mod trends; // posts to what is spoken of, pure
pub mod virality; // numbers to verdicts, pure

pub mod store; // Postgres, the only place with SQL

pub mod egress; // requests to addresses that users supply
pub mod notify; // telling people, in five ways

pub mod live; // frames and outboxes of live connections

pub mod actors; // who does what, and the messages between them

pub mod http; // the calls, and the dashboard
pub mod ws; // the live protocol

pub mod connectors; // outside to stream: replay, generator
pub mod embedded; // a private PostgreSQL and Redis
pub mod process; // child processes, and what they may take
pub mod telemetry; // tracing, and the names of all metrics
