//! Posts: ingest, history, exports, labels of people, saved views.

pub mod export; // posts as a file
pub mod export_limits; // how many exports there may be
pub mod handlers; // posts in, and their history out
pub mod ingest; // a body of posts, taken apart
pub mod labels; // what people say where they know better
pub mod views; // saved views
