//! Pages of lists.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::StoreError;
use super::codec::truncate;

/// Maximum number of items per page. More would hold a connection and memory for one client.
pub const PAGE_MAX: usize = 1_000;

/// Page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// Items of the page.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Creates a page from up to `limit` items and one more, which only signals that another page follows.
    pub(super) fn of(mut items: Vec<T>, limit: usize, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| !is_last).map(|last| cursor_of(last).encode());
        Self { items, next_cursor }
    }
}

/// Position in a list: the item before the page.
///
/// It names an item rather than counting, so that posts arriving in the meantime do not shift items between pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub at: Timestamp,
    pub id: Uuid,
}

impl Cursor {
    pub(super) fn encode(self) -> String {
        let mut bytes = [0; 24];
        let (at, id) = bytes.split_at_mut(8);
        at.copy_from_slice(&truncate(self.at).as_microsecond().to_be_bytes());
        id.copy_from_slice(self.id.as_bytes());
        hex::encode(bytes)
    }

    pub(super) fn decode(text: &str) -> Result<Self, StoreError> {
        let mut bytes = [0; 24];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| StoreError::BadCursor)?;
        let (at, id) = bytes.split_first_chunk::<8>().ok_or(StoreError::BadCursor)?;
        let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).map_err(|_| StoreError::BadCursor)?;
        // PostgreSQL's timestamps do not reach as far back as ours.
        if at.as_microsecond() < 0 {
            return Err(StoreError::BadCursor);
        }
        Ok(Self { at, id: Uuid::from_slice(id).map_err(|_| StoreError::BadCursor)? })
    }
}

/// Returns the bounded limit and the number of rows to read: one extra row shows whether another page follows.
pub(super) fn limits(requested: usize) -> (usize, i64) {
    let limit = requested.clamp(1, PAGE_MAX);
    (limit, i64::try_from(limit + 1).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_decodes_and_anything_else_is_rejected() {
        let cursor = Cursor { at: "2026-11-21T01:02:03.000004Z".parse().unwrap(), id: Uuid::now_v7() };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        for text in ["", "00", "zz", &"ff".repeat(24), &"00".repeat(25), "' OR 1=1"] {
            assert!(matches!(Cursor::decode(text), Err(StoreError::BadCursor)), "{text}");
        }
    }

    #[test]
    fn only_a_page_before_another_has_a_cursor() {
        let cursor = |_: &i32| Cursor { at: Timestamp::UNIX_EPOCH, id: Uuid::nil() };
        assert_eq!(Page::of(vec![1, 2], 2, cursor).next_cursor, None);
        let page = Page::of(vec![1, 2, 3], 2, cursor);
        assert_eq!((page.items, page.next_cursor.is_some()), (vec![1, 2], true));
    }
}
