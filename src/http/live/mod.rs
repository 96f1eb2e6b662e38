//! Entry points for live connections: tickets, WebSockets, server-sent events. The protocol is in `live` and `ws`.

pub mod sse; // server-sent events
pub mod socket; // WebSockets
pub mod tickets; // tickets for live connections
