//! Entry points for live connections: tickets, WebSockets and server-sent events. `live` and `ws` implement the
//! protocol.

pub mod sse; // server-sent events
pub mod socket; // WebSockets
pub mod tickets; // tickets for live connections
