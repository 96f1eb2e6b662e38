//! Sources: what every connector promises, and what becomes of what they hear.

mod api; // what people do with sources
mod bluesky; // what only Bluesky's connector promises
mod contract; // promises of every connector, against a local host of its network
mod feeds; // what only feeds do
mod following; // topics that sources follow
mod hosts; // the local hosts, behind one trait
mod mastodon; // what only Mastodon's connector promises
mod pipeline; // from the network to the stored posts, through crashes
mod reddit; // what only Reddit's connector promises
mod throughput; // how fast a source is heard
mod x; // what only X's connector promises
mod webhook; // deliveries of other systems
mod webhook_secrets; // what becomes of the secrets of webhooks
mod youtube; // what only YouTube's connector does
