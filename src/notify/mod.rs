//! Notifies people: formats messages and sends them through channels of five kinds. Does not access the database.

pub mod messenger; // one attempt to send one message

pub mod operator_destinations; // configured destinations of service alerts
pub mod destination_queues; // in-memory queues per destination
pub mod message; // messages, independent of the channel
pub mod retry_policy; // retries and pauses
pub mod settings; // settings of channels and their secrets

pub mod email; // email through SMTP
pub mod account_mail; // letters about accounts
mod pagerduty; // incidents
mod slack; // text for a chat room
mod web_push; // encrypted messages for a browser
mod webhook; // signed requests

pub mod signature; // signatures of what other systems deliver
pub mod vapid; // identity towards push services
