//! Posts: ingestion, history, exports, corrected labels and saved views.

pub mod authors; // what one author posted
pub mod csv_cell; // text that spreadsheets do not evaluate
pub mod export; // posts as a file
pub mod export_limits; // limits on concurrent exports
pub mod handlers; // ingest, history, erasure and export
pub mod ingest_body; // bodies of posts
pub mod labels; // corrections of labels
pub mod views; // saved views
pub mod work; // what people do about posts
