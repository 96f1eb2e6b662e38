//! Fields of stream entries.

use bytes::Bytes;

/// Fields of an entry, in their order. Clones share the values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    /// Creates fields from names and values.
    pub fn new(fields: Vec<(Bytes, Bytes)>) -> Self {
        Self(fields)
    }

    /// Returns the value of the first field with this name; an entry may have several.
    pub(super) fn first(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(candidate, _)| candidate.as_ref() == name.as_bytes()).map(|(_, value)| value)
    }

    /// Returns the value of a field that must exist.
    pub(super) fn required(&self, name: &str) -> Result<&Bytes, String> {
        self.first(name).ok_or_else(|| format!("field `{name}` is missing"))
    }

    /// Returns the text of a field that must exist.
    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        std::str::from_utf8(self.required(name)?).map_err(|_| format!("`{name}` is not text"))
    }
}
