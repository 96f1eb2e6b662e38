//! Where live connections begin: tickets, WebSockets, server-sent events. The protocol is in `live` and `ws`.

pub mod events; // where live news begins for those who only listen
pub mod socket; // where live sockets begin
pub mod tickets; // passes for live connections
