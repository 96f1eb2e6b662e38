//! The whole, on real servers: every promise of the pipeline, and the fault that could break it.
//!
//! One binary, so that it is linked once and its tests share one PostgreSQL and one Redis. Long tests run shortened, and
//! speed is only printed; with `GROUNDSWELL_TEST_SOAK=1` they run in full, and speed is judged.

// What a test cannot have is a reason to fail, in its helpers as in its own lines; and it computes with small numbers
// that it chose itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod post_to_socket; // a post on its way to everybody who looks

mod crash; // kill -9 under load
mod poison_post; // posts that break whoever touches them
mod redelivery; // delivered again, counted once
mod respawn; // stages that panic
mod shutdown; // a graceful stop
mod trends; // what is spoken of
mod two_processes; // several share the work

mod cascade; // doubtful posts are read again
mod deep_process; // the deep model in processes of its own
mod model_reload; // another model under load

mod backpressure; // ten times too much
mod bench_fanout;
mod bench_pipeline;
mod bench_score;
mod newer_schema; // a database that a later version wrote
mod postgres_restart;
mod redis_restart;
mod signals; // what is unusual without a rule
mod slow_socket; // a browser that does not read
mod sources; // sources of posts: connectors, deletions, crashes
mod stalled_sockets; // a thousand of them, with bounded memory // the command that measures deliveries runs

mod alert_leader; // one process evaluates the rules
mod alert_rules; // rules and silences as people write them
mod alerts; // people are told once
mod many_series; // more than people can look at
mod notifications; // in five ways, and nowhere else
mod webhook_urls; // secret URLs of webhooks
mod reports; // scheduled reports by mail
mod service_alerts; // what is wrong with the service itself, without its servers
mod system_errors; // what went wrong of late

mod recovery; // whoever comes back gets what it missed
mod audiences; // frames for one person

mod events; // live updates as server-sent events
mod socket; // what is said on a socket, and how many there may be

mod api_conformance; // the calls keep what their description promises
mod audit; // who did what, and that nobody can hide it
mod annotations; // notes on charts
mod people; // accounts, invitations, password resets
mod invitations; // invitations end with access of their inviters
mod erasure; // posts and authors that people erase
mod explanations; // why a period differs from another
mod authors; // what one author posted
mod explore; // history over any range, and how it is read
mod exports; // exports never block other calls
mod http_guard; // access control, headers of responses
mod http_ingest; // ingest of valid and invalid posts
mod http_limits; // bounds on memory
mod intake; // what a few connections can take from others
mod http_queries; // responses about stored data
mod strangers; // what strangers send and the log
mod route_walk; // every route with every kind of caller
mod account_outages; // accounts that change while Redis goes away
mod access_ends; // what ends with a session, an account or a role
mod credentials; // API keys
mod tokens; // clients, and tokens for credentials
mod accounts; // signing in and out, the first account, passwords
mod users_command; // accounts on the command line
mod rate_limits; // quotas of callers
mod live_tickets; // tickets for live connections
mod live_window; // how much of the newest past is live
mod topics; // topics, from their queries to the posts
mod topic_history; // topics applied to stored posts
mod metrics; // what Prometheus is told
mod post_work; // people who work on posts and alerts

mod share_links; // what the holder of a share link can read
mod settings_file; // groundswell.toml

mod support; // servers, apps, faults
