//! Decodes the bytes of a document to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Number of bytes at the beginning of a document that are searched for an XML declaration.
const DECLARATION_BYTES_MAX: usize = 256;

/// Returns the text of a document, without its XML declaration, which would contradict the decoded text. The encoding
/// is taken from the byte order mark, the media type (RFC 7303) or the declaration, in this order. If the text is not
/// valid in that encoding, it is decoded as UTF-8 or, failing that, as Windows-1252, in which every byte is a
/// character.
pub(super) fn decoded<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    let named = || content_type.and_then(charset).or_else(|| declared(bytes));
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0,
        None => with(named().unwrap_or(UTF_8), bytes)
            .or_else(|| with(UTF_8, bytes))
            .unwrap_or_else(|| WINDOWS_1252.decode(bytes).0),
    };
    match (text.trim_start().starts_with("<?xml"), text.find("?>")) {
        (true, Some(end)) => Cow::Owned(text.get(end + 2..).unwrap_or_default().to_owned()),
        _ => text,
    }
}

/// Decodes bytes if they are valid in the encoding.
fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

/// Returns the encoding that a media type names.
fn charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches('"').as_bytes())
}

/// Returns the encoding that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = bytes.get(..DECLARATION_BYTES_MAX.min(bytes.len()))?;
    let beginning = String::from_utf8_lossy(beginning);
    let declaration = beginning.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value.split(quote).nth(1)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_where_they_are_named() {
        let check = |bytes: &[u8], content_type: Option<&str>, expected: &str| {
            assert_eq!(decoded(bytes, content_type), expected, "{bytes:?} {content_type:?}");
        };
        check("<a>é</a>".as_bytes(), None, "<a>é</a>");
        check(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", None, "<a>\u{e9}</a>");
        check(b"<?xml version='1.0' encoding = 'windows-1251'?><a>\xc0</a>", None, "<a>А</a>");
        check(b"<a>\xe9</a>", Some("text/xml; charset=\"iso-8859-1\""), "<a>é</a>");
        // The media type is right, and the declaration was left by some program.
        check(b"<?xml version='1.0' encoding='windows-1251'?>\xe9", Some("a/b; Charset=latin1"), "é");
        // Neither is right.
        check(b"<?xml version='1.0' encoding='utf-8'?>\xe9", Some("a/b; charset=utf-8"), "é");
        check("<?xml version='1.0' encoding='us-ascii'?>é".as_bytes(), None, "Ã©");
        check(b"\xef\xbb\xbf<a/>", Some("a/b; charset=latin1"), "<a/>");
        check(b"\xff\xfe<\0a\0/\0>\0", None, "<a/>");
        check(b"{\"a\": \"\xff\"}", Some("application/json; charset"), "{\"a\": \"ÿ\"}");
        check(b"", None, "");
    }
}
