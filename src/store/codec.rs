//! Conversions between Rust and PostgreSQL types.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::StoreError;
use crate::models::audit::Inet;
use crate::models::id::{
    AlertId, AnnotationId, ApiKeyId, AuditId, ChannelId, ClientId, InvitationId, MessageId, NotificationId,
    PostId, ReportId, ReportRunId, RuleId, ShareLinkId, SilenceId, SourceId, TokenFamilyId, TopicId,
    TopicJobId, UserId, ViewId,
};

/// Microseconds between the Unix epoch and PostgreSQL's epoch, 2000-01-01 UTC.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Timestamp parameter for a `timestamptz`, truncated to microseconds.
///
/// The driver rounds instead: a post written in the last nanoseconds of a bucket would be stored in the next bucket,
/// while its rollups count it in this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct PgTimestamp(pub Timestamp);

impl ToSql for PgTimestamp {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(truncate(self.0).as_microsecond() - POSTGRES_EPOCH_MICROS);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

/// Value of a `timestamptz` in microseconds since the Unix epoch. Unlike a [`Timestamp`], it can hold whatever the column
/// holds, infinity included.
#[derive(Debug, Clone, Copy)]
pub(super) struct PgMicros(pub i64);

impl ToSql for PgMicros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.wrapping_sub(POSTGRES_EPOCH_MICROS));
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl FromSql<'_> for PgMicros {
    fn from_sql(kind: &Type, bytes: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_sql(kind, bytes)?;
        Ok(Self(micros.wrapping_add(POSTGRES_EPOCH_MICROS)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl FromSql<'_> for Inet {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(bytes.to_vec()))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INET
    }
}

impl ToSql for Inet {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INET
    }

    to_sql_checked!();
}

/// Stores ids in columns of type `uuid`.
macro_rules! stored_as_uuid {
    ($($id:ty),+) => {
        $(
            impl ToSql for $id {
                fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
                    Uuid::from(*self).to_sql(kind, out)
                }

                fn accepts(kind: &Type) -> bool {
                    <Uuid as ToSql>::accepts(kind)
                }

                to_sql_checked!();
            }

            impl FromSql<'_> for $id {
                fn from_sql(kind: &Type, bytes: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
                    Uuid::from_sql(kind, bytes).map(Self::from)
                }

                fn accepts(kind: &Type) -> bool {
                    <Uuid as FromSql<'_>>::accepts(kind)
                }
            }
        )+
    };
}

stored_as_uuid!(
    PostId,
    AuditId,
    AlertId,
    RuleId,
    SilenceId,
    SourceId,
    TopicId,
    TopicJobId,
    ChannelId,
    NotificationId,
    MessageId,
    ViewId,
    AnnotationId,
    ReportId,
    ReportRunId,
    ShareLinkId,
    UserId,
    InvitationId,
    ApiKeyId,
    ClientId,
    TokenFamilyId
);

/// Truncates a timestamp to microseconds, PostgreSQL's precision.
pub(super) fn truncate(at: Timestamp) -> Timestamp {
    let micros = at.as_nanosecond().div_euclid(1_000);
    i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or(at)
}

/// Reads an enum value from a column that holds its name; fails if the name is unknown.
pub(super) fn enum_at<T: Copy>(
    row: &Row,
    column: usize,
    known: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, StoreError> {
    parse_enum(row.try_get(column)?, known, name)
}

/// Reads an enum value from a nullable column that holds its name.
pub(super) fn optional_enum_at<T: Copy>(
    row: &Row,
    column: usize,
    known: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| parse_enum(text, known, name)).transpose()
}

/// Returns the enum value with this name; fails if the name is unknown.
pub(super) fn parse_enum<T: Copy>(
    text: &str,
    known: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, StoreError> {
    let found = known.iter().copied().find(|value| name(*value) == text);
    found.ok_or_else(|| StoreError::internal(format!("unknown name `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_nanosecond_of_a_second_stays_in_it() {
        let last: Timestamp = "2026-03-29T00:59:59.999999999Z".parse().unwrap();
        assert_eq!(truncate(last).to_string(), "2026-03-29T00:59:59.999999Z");
        let before_1970: Timestamp = "1969-12-31T23:59:59.9999999Z".parse().unwrap();
        assert_eq!(truncate(before_1970).to_string(), "1969-12-31T23:59:59.999999Z");
    }
}
