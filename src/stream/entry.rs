//! Stream entries of any kind.

use fred::types::Value;

use super::StreamError;
use super::entry_schema::EntrySchema;
use super::fields::Fields;

/// Id of a stream entry, assigned by Redis: `milliseconds-sequence`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryId(String);

impl EntryId {
    /// Creates an id from the text that Redis returns.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the id as Redis returned it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Entry as delivered to a consumer.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Id used to acknowledge the entry.
    pub id: EntryId,
    /// Number of deliveries, including this one. All entries in a batch are delivered together, so a high number does
    /// not prove that this entry is at fault.
    pub n_deliveries: u32,
    /// What the entry consists of, not yet decoded. A broken entry never affects the rest of its batch.
    pub fields: Fields,
}

/// Reads `[id, [field, value, …]]`, the form in which Redis returns entries, from a flow of entries of this kind. If the
/// entry is for a newer process, returns only its schema.
pub(super) fn read(
    entry: Value,
    n_deliveries: u32,
    kind: &str,
) -> Result<Result<Delivered, EntrySchema>, StreamError> {
    let (id, fields) = split(entry)?;
    Ok(match EntrySchema::unknown_in(&fields, kind) {
        Some(schema) => Err(schema),
        None => Ok(Delivered { id, n_deliveries, fields }),
    })
}

/// Splits an entry of any schema into its id and fields.
pub(super) fn split(entry: Value) -> Result<(EntryId, Fields), StreamError> {
    let mut parts = entry.into_array().into_iter();
    let id = parts.next().and_then(Value::into_string);
    let id = EntryId(id.ok_or_else(|| StreamError::unexpected("an entry without an id"))?);
    let mut fields = Vec::new();
    let mut values = parts.next().map(Value::into_array).unwrap_or_default().into_iter();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        let bytes = |value: Value| value.into_bytes().unwrap_or_default();
        fields.push((bytes(name), bytes(value)));
    }
    Ok((id, Fields::new(fields)))
}
