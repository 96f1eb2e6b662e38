//! Groundswell scores posts about a brand within milliseconds: how their authors feel, who is about to leave, and what is
//! about to spread.
//!
//! ```text
//! connectors ──XADD──▶ social_posts_stream ──XREADGROUP──▶ Ingester ──ScoreBatch──▶ InferencePool ──RecordBatch──▶ Aggregator
//!                              ▲                             │  ▲                                                  │  │
//!                              └──── XACK or redelivery ─────┘  └──────────────── the batch's ticket ──────────────┘  ▼
//! browser ◀──ws── Outbox ◀── Broadcaster ◀──PublishMetrics── live_metrics ◀── sentiment_updates ◀── Aggregator     PostgreSQL
//! ```

// Tests compute with small numbers of their own choice.
#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)
)]

pub mod app; // wiring: servers, stages from last to first, HTTP, graceful stop
pub mod bench; // reproducible measurements
pub mod cli; // the commands
pub mod config; // every setting

pub mod models; // plain data

pub mod stream; // Redis: posts in and out, dead letters, updates between processes

pub mod anomaly; // unusual changes of a series against its own history; pure
pub mod alerting; // from measurements and rules to alerts and notices; pure
pub mod enrich; // language, location, products, reach
pub mod explanation; // what distinguishes the posts of two periods; pure
pub mod inference; // from text to score; pure
pub mod reports; // from figures to reports, and when they are due; pure
pub mod topics; // which posts concern what, by boolean queries; pure
pub mod trends; // from posts to trending terms; pure
pub mod virality; // how far a post is likely to spread; pure

pub mod store; // PostgreSQL, the only module with SQL

pub mod erasure; // erasing posts and authors, and telling every process

pub mod egress; // requests to addresses that users supply
pub mod notify; // delivery of notifications, over five kinds of channels

pub mod auth; // who may call and how often, and what was done

pub mod live; // frames and outboxes of live connections

pub mod actors; // the stages, and the messages between them

pub mod http; // the API, and the dashboard
pub mod ws; // the live protocol

pub mod connectors; // from outside to the stream: networks, feeds, files, a generator
pub mod metering; // what sources use of the allowances of networks
pub mod keyring; // encryption of secrets that the database holds
pub mod embedded; // a private PostgreSQL and Redis
pub mod process; // child processes and their limits
pub mod telemetry; // logs, and the names of all metrics
