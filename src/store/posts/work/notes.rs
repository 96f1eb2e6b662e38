//! Notes that people leave on posts.

use deadpool_postgres::Object;

use super::change::{lock, store_edits};
use crate::models::id::PostId;
use crate::models::person_name::Stamp;
use crate::models::post_work::{Edit, PostWork, WorkField};
use crate::store::{Store, StoreError};

/// Maximum number of notes on one post.
pub const NOTES_MAX: i64 = 200;

/// Outcome of adding a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// The note is stored. Contains the updated work on the post.
    Stored(PostWork),
    /// The post already has [`NOTES_MAX`] notes.
    Full,
    /// The post does not exist.
    Unknown,
}

/// Adds a validated note to a post.
pub async fn note(store: &Store, post: PostId, text: &str, stamp: &Stamp) -> Result<Noted, StoreError> {
    store.run(async |client| note_on(client, post, text, stamp).await).await
}

async fn note_on(client: &mut Object, post: PostId, text: &str, stamp: &Stamp) -> Result<Noted, StoreError> {
    let transaction = client.transaction().await?;
    let mut known = lock(&transaction, &[post]).await?;
    let Some(found) = known.get_mut(&post) else {
        return Ok(Noted::Unknown);
    };
    if found.work.notes >= NOTES_MAX {
        return Ok(Noted::Full);
    }
    found.work.notes += 1;
    let edit = Edit { field: WorkField::Note, before: None, after: Some(text.to_owned()) };
    store_edits(&transaction, &mut known, &[(post, edit)], stamp).await?;
    transaction.commit().await?;
    Ok(known.remove(&post).map_or(Noted::Unknown, |found| Noted::Stored(found.work)))
}
