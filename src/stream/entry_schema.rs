//! Schemas of stream entries, each of which consists of a version and a kind.

use super::fields::Fields;

/// Version of the fields that this process writes and reads.
pub(super) const VERSION: &str = "1";

/// Maximum length of a version or kind, in bytes.
const NAME_BYTES_MAX: usize = 32;

/// Prepends a Lua function to a script: `is_unknown(entry, version, kind)` makes the same decision as
/// [`EntrySchema::unknown_in`], given the version and kind that this process knows, and also returns the fields.
macro_rules! with_is_unknown {
    ($script:literal) => {
        concat!(
            "
        local function is_unknown(entry, version, kind)
            local fields = {}
            for i = #entry[2] - 1, 1, -2 do fields[entry[2][i]] = entry[2][i + 1] end
            local function is_other(name, known)
                return name and name ~= known and #name <= 32 and string.match(name, '^[%w._%-]+$')
            end
            return is_other(fields.v, version) or is_other(fields.kind, kind), fields
        end",
            $script
        )
    };
}
pub(super) use with_is_unknown;

/// Version and kind of an entry, as declared by its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntrySchema {
    pub version: String,
    pub kind: String,
}

impl EntrySchema {
    /// Returns the schema of an entry in a flow of entries of kind `known` if this process does not know it. An entry with
    /// a malformed version or kind counts as a broken entry of this version rather than as an entry of another one.
    /// Scripts decide in the same way, using `with_is_unknown`.
    pub fn unknown_in(fields: &Fields, known: &str) -> Option<Self> {
        let text = |name| fields.first(name).and_then(|value| std::str::from_utf8(value).ok());
        let (version, kind) = (text("v"), text("kind"));
        let is_unknown = version.is_some_and(|version| is_name(version) && version != VERSION)
            || kind.is_some_and(|kind| is_name(kind) && kind != known);
        is_unknown.then(|| Self::named(version.unwrap_or_default(), kind.unwrap_or_default(), known))
    }

    /// Returns the schema with this version and kind. An empty kind means that of the flow.
    pub fn named(version: &str, kind: &str, of_flow: &str) -> Self {
        let kind = if kind.is_empty() { of_flow } else { kind };
        Self { version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Returns the placeholder for all further unknown schemas, which keeps logs and metrics from growing without
    /// bound.
    pub fn other() -> Self {
        Self { version: "other".to_owned(), kind: "other".to_owned() }
    }
}

/// Checks that an entry declares the version and kind that this process reads.
///
/// # Errors
/// Why it is no entry of that version and kind.
pub(super) fn check(fields: &Fields, kind: &str) -> Result<(), String> {
    let version = fields.required("v")?;
    if version.as_ref() != VERSION.as_bytes() {
        return Err(format!("`v` is not a version: `{}`", String::from_utf8_lossy(version)));
    }
    match fields.first("kind").filter(|declared| declared.as_ref() != kind.as_bytes()) {
        Some(other) => Err(format!("`kind` is not a kind: `{}`", String::from_utf8_lossy(other))),
        None => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn unknown_in(fields: &[(&'static str, &'static [u8])], known: &str) -> Option<EntrySchema> {
        let fields = fields.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value)));
        EntrySchema::unknown_in(&Fields::new(fields.collect()), known)
    }

    fn check(fields: &[(&'static str, &'static [u8])], schema: Option<(&str, &str)>) {
        let schema = schema.map(|(version, kind)| EntrySchema { version: version.into(), kind: kind.into() });
        assert_eq!(unknown_in(fields, "post"), schema, "{fields:?}");
    }

    #[test]
    fn an_entry_of_another_version_or_kind_is_distinguished_from_a_broken_one() {
        check(&[("v", b"1")], None);
        check(&[("v", b"1"), ("kind", b"post")], None);
        check(&[("v", b"2")], Some(("2", "post")));
        check(&[("v", b"1"), ("kind", b"analysis.job")], Some(("1", "analysis.job")));
        check(&[("kind", b"job")], Some(("", "job")));
        check(&[], None);
        check(&[("v", b"")], None);
        check(&[("v", b"\xff")], None);
        check(&[("v", b"2 or 3")], None);
        check(&[("v", b"222222222222222222222222222222222")], None);
    }

    #[test]
    fn each_flow_knows_its_own_kind() {
        let job = EntrySchema { version: "1".into(), kind: "job".into() };
        let post = EntrySchema { version: "1".into(), kind: "post".into() };
        assert_eq!(unknown_in(&[("v", b"1"), ("kind", b"job")], "job"), None);
        assert_eq!(unknown_in(&[("v", b"1"), ("kind", b"post")], "job"), Some(post));
        assert_eq!(unknown_in(&[("v", b"1"), ("kind", b"job")], "post"), Some(job));
        assert_eq!(unknown_in(&[("v", b"2")], "job").map(|schema| schema.kind).as_deref(), Some("job"));
    }
}
