//! Management of share links, and access for people who open them.

pub mod access; // credentials of holders, checked at every request
pub mod links; // handlers
mod scope; // calls of a shared view, and their parameters
