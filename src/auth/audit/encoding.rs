//! Rows and links as bytes, for hashing. Two different rows never have the same encoding: every text is preceded by its
//! length, and every optional value by whether it is present.

use crate::models::audit::{AuditRow, ChainEnd, Inet, Link};

/// First byte of an encoded row. Another encoding must begin with another byte.
const ROW: u8 = 1;

/// First byte of an encoded link.
const LINK: u8 = 2;

/// Encodes every column of a row but the seal.
pub fn row(row: &AuditRow) -> Vec<u8> {
    let AuditRow { id, created_at, action, actor_kind, actor_id, actor_name, object, ip_address, payload } =
        row;
    let mut out = Vec::with_capacity(192 + payload.len());
    out.push(ROW);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(&created_at.to_be_bytes());
    text(&mut out, action);
    text(&mut out, actor_kind);
    for optional in [actor_id, actor_name, object] {
        out.push(u8::from(optional.is_some()));
        text(&mut out, optional.as_deref().unwrap_or_default());
    }
    out.push(u8::from(ip_address.is_some()));
    bytes(&mut out, ip_address.as_ref().map_or(&[], |Inet(address)| address.as_slice()));
    text(&mut out, payload);
    out
}

/// Encodes a link at a position, with the hash before it.
pub fn link(link: &Link, before: &ChainEnd) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.push(LINK);
    out.extend_from_slice(&before.seq.wrapping_add(1).to_be_bytes());
    out.extend_from_slice(&before.hash);
    out.extend_from_slice(&link.created_at.to_be_bytes());
    out.extend_from_slice(link.id.as_bytes());
    bytes(&mut out, &link.seal);
    text(&mut out, &link.linked_by);
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    bytes(out, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // No column is longer than PostgreSQL's limit of 1 GiB.
    out.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::audit::keys::testing::row_of;

    #[test]
    fn every_column_and_every_shift_of_text_between_columns_changes_the_encoding() {
        let original = row_of(1);
        let change = |change: fn(&mut AuditRow)| {
            let mut changed = original.clone();
            change(&mut changed);
            assert_ne!(row(&changed), row(&original), "{changed:?}");
        };
        change(|row| row.id = uuid::Uuid::nil());
        change(|row| row.created_at += 1);
        change(|row| row.action.push('x'));
        change(|row| row.actor_kind.push('x'));
        change(|row| row.actor_id = None);
        change(|row| row.actor_id = Some(String::new()));
        change(|row| row.actor_name = Some(String::new()));
        change(|row| row.object = None);
        change(|row| row.ip_address = None);
        change(|row| row.ip_address.as_mut().unwrap().0[1] = 24);
        change(|row| row.payload.push(' '));
        change(|row| {
            let last = row.action.pop().unwrap();
            row.actor_kind.insert(0, last);
        });
        change(|row| std::mem::swap(&mut row.actor_id, &mut row.object));
    }
}
