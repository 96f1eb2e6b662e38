//! Telling people: what is said in each of five ways, and how it gets there without reaching where it must not. No SQL.

pub mod messenger; // one attempt to send one message

pub mod destinations; // who runs this server, by the configuration
pub mod dispatch; // messages that wait in memory
pub mod message; // what is told, whichever way it goes
pub mod policy; // what becomes of a message after an attempt
pub mod settings; // what a channel needs to know, and what of it is secret

mod email; // mail, by SMTP
mod pagerduty; // incidents
mod slack; // lines of text for a room
mod web_push; // encrypted messages for a browser
mod webhook; // signed requests

pub mod keyring; // what keeps secrets secret
pub mod vapid; // how push services know us
