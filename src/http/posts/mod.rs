//! Posts: ingest, history, exports, corrected labels and saved views.

pub mod export; // posts as a file
pub mod export_limits; // limits on concurrent exports
pub mod handlers; // ingest, history and export
pub mod ingest; // bodies of posts
pub mod labels; // corrections of labels
pub mod views; // saved views
