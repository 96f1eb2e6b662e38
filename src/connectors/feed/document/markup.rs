//! Finds the tags of an XML document without parsing it, to refuse documents that would keep a parser busy and to split
//! broken ones into entries.

use std::ops::Range;

/// Maximum depth of elements. A parser takes time in proportion to the depth at every name.
const DEPTH_MAX: usize = 256;

/// Maximum number of quotes in a tag, two per attribute. A parser compares all attributes of a tag with each other.
const QUOTES_MAX: usize = 512;

/// Kind of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    End,
    /// Start and end tag in one.
    Empty,
}

/// Tag of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub kind: Kind,
    /// Name of the element, without its prefix.
    pub name: &'a str,
    /// Position of the tag in the document, in bytes.
    pub at: Range<usize>,
    n_quotes: usize,
}

/// Iterator over the tags of a document, in order. It skips comments, CDATA sections, instructions and declarations.
pub(super) struct Tags<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Tags<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Skips past an end marker. Returns `None` if there is none.
    fn pass(&mut self, ending: &str) -> Option<()> {
        let rest = self.text.get(self.position..)?;
        self.position += rest.find(ending)? + ending.len();
        Some(())
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let start = self.position + self.text.get(self.position..)?.find('<')?;
            self.position = start;
            let rest = self.text.get(start..)?;
            if rest.starts_with("<!--") {
                self.pass("-->")?;
            } else if rest.starts_with("<![CDATA[") {
                self.pass("]]>")?;
            } else if rest.starts_with("<?") {
                self.pass("?>")?;
            } else if rest.starts_with("<!") {
                self.position += declaration_length(rest)?;
            } else {
                let (length, n_quotes) = tag_length(rest)?;
                self.position += length;
                let inner = rest.get(1..length - 1)?;
                let kind = match (inner.starts_with('/'), inner.ends_with('/')) {
                    (true, _) => Kind::End,
                    (_, true) => Kind::Empty,
                    _ => Kind::Start,
                };
                let inner = inner.trim_start_matches('/');
                let name = inner.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
                let name = name.rsplit(':').next().unwrap_or_default();
                return Some(Tag { kind, name, at: start..self.position, n_quotes });
            }
        }
    }
}

/// Returns the length of a tag and the number of quotes in it. A `>` in a quoted value does not end the tag.
fn tag_length(text: &str) -> Option<(usize, usize)> {
    let mut quote = None;
    let mut n_quotes = 0;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some((at + 1, n_quotes)),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => continue,
        }
        n_quotes += 1;
    }
    None
}

/// Returns the length of a declaration, whose subset in brackets may contain more declarations.
fn declaration_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Returns the reason why a document must not be parsed; `None` if it may be parsed.
pub(super) fn objection(text: &str) -> Option<&'static str> {
    let mut depth = 0_usize;
    for tag in Tags::of(text) {
        if tag.n_quotes > QUOTES_MAX {
            return Some("an element has too many attributes");
        }
        match tag.kind {
            Kind::Start => depth += 1,
            Kind::End => depth = depth.saturating_sub(1),
            Kind::Empty => {}
        }
        if depth > DEPTH_MAX {
            return Some("its elements are nested too deeply");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_and_nothing_else() {
        let text = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'b'><!ELEMENT p ANY>]><r a='>'><!-- <no/> -->\
                    <x:item/><![CDATA[<no>]]></r >1 < 2";
        let found: Vec<_> = Tags::of(text).map(|tag| (tag.kind, tag.name)).collect();
        assert_eq!(found, [(Kind::Start, "r"), (Kind::Empty, "item"), (Kind::End, "r")]);
    }

    #[test]
    fn what_would_keep_a_parser_busy_is_objected_to() {
        assert_eq!(objection(&"<a>".repeat(256)), None);
        assert!(objection(&"<a>".repeat(257)).is_some());
        assert_eq!(objection(&"<a></a><b/>".repeat(10_000)), None);
        let attributes =
            |n: usize| format!("<a {}>", (0..n).map(|i| format!("a{i}='' ")).collect::<String>());
        assert_eq!(objection(&attributes(256)), None);
        assert!(objection(&attributes(257)).is_some());
        for endless in ["<!--", "<![CDATA[", "<!", "<a '", "<"] {
            assert_eq!(objection(&endless.repeat(300_000)), None);
        }
    }
}
