//! Pages of lists, and the cursors that connect them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::StoreError;
use super::codec::truncate;

/// Maximum number of items per page. A larger page would occupy a connection and memory for too long on behalf of one
/// client.
pub const PAGE_MAX: usize = 1_000;

/// One page of a list, with the cursor for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Items on this page, in the order of the list.
    pub items: Vec<T>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Creates a page of up to `limit` items. An additional item only shows that another page follows.
    pub(super) fn of(mut items: Vec<T>, limit: usize, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| !is_last).map(|last| cursor_of(last).encode());
        Self { items, next_cursor }
    }
}

/// Position in a list: the last item before the next page.
///
/// It identifies an item instead of counting items, so that posts arriving in the meantime do not shift items between
/// pages.
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

/// Position in a list ordered by rank, then by time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RankedCursor {
    /// Rank of the last item; `None` if it has none. Items without a rank come last.
    pub rank: Option<i64>,
    pub cursor: Cursor,
}

impl RankedCursor {
    pub(super) fn encode(self) -> String {
        let rank = self.rank.unwrap_or(NO_RANK);
        format!("{}{}", hex::encode(rank.to_be_bytes()), self.cursor.encode())
    }

    pub(super) fn decode(text: &str) -> Result<Self, StoreError> {
        let mut rank = [0; 8];
        let (of_rank, rest) = text.split_at_checked(2 * rank.len()).ok_or(StoreError::BadCursor)?;
        hex::decode_to_slice(of_rank, &mut rank).map_err(|_| StoreError::BadCursor)?;
        let rank = i64::from_be_bytes(rank);
        if rank < NO_RANK {
            return Err(StoreError::BadCursor);
        }
        Ok(Self { rank: (rank != NO_RANK).then_some(rank), cursor: Cursor::decode(rest)? })
    }
}

/// Value that represents a missing rank in a cursor. Ranks are counts.
const NO_RANK: i64 = -1;

/// Returns the limit, clamped to the allowed range, and the number of rows to read: one extra row shows whether another
/// page follows.
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
    fn a_cursor_of_a_ranking_decodes_and_anything_else_is_rejected() {
        let cursor = Cursor { at: "2026-11-21T01:02:03.000004Z".parse().unwrap(), id: Uuid::now_v7() };
        for rank in [None, Some(0), Some(7_000_000_000)] {
            let ranked = RankedCursor { rank, cursor };
            assert_eq!(RankedCursor::decode(&ranked.encode()).unwrap(), ranked);
        }
        let plain = cursor.encode();
        for text in ["", "00", "é", &plain, &format!("fffffffffffffffe{plain}"), &format!("zz{plain}")] {
            assert!(matches!(RankedCursor::decode(text), Err(StoreError::BadCursor)), "{text}");
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
