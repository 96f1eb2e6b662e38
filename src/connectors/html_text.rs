//! Converts HTML to plain text. Takes time in proportion to the length of any input and never fails: like a browser, it
//! accepts malformed markup.

/// Elements that begin and end a line.
const BLOCKS: [&str; 34] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
    "video",
    "audio",
];

/// Elements whose content is not shown to readers.
const UNREAD: [&str; 4] = ["script", "style", "template", "iframe"];

/// Returns the text of HTML, at most `chars_max` characters: without tags, comments and scripts, with character
/// references decoded, and with white space as a browser shows it.
pub(super) fn of_html(html: &str, chars_max: usize) -> String {
    let mut words = Words::new(chars_max);
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_escaped(before);
        if words.is_full() {
            break;
        }
        rest = match tag.chars().next() {
            Some('!') if tag.starts_with("!--") => after(tag, "-->"),
            Some('!' | '?') => after(tag, ">"),
            Some('/') if tag.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic()) => words.pass_tag(tag),
            Some(c) if c.is_ascii_alphabetic() => words.pass_tag(tag),
            _ => {
                words.push('<');
                tag
            }
        };
    }
    words.push_escaped(rest);
    words.text
}

/// Returns plain text without control characters other than line breaks, at most `chars_max` characters.
pub(super) fn of_plain(text: &str, chars_max: usize) -> String {
    let mut words = Words::new(chars_max);
    for c in text.chars() {
        if c == '\n' {
            words.gap = Gap::Line;
        }
        words.push(c);
    }
    words.text
}

/// Returns the text after an end marker; empty if there is none.
fn after<'a>(text: &'a str, ending: &str) -> &'a str {
    text.split_once(ending).map_or("", |(_, rest)| rest)
}

/// White space between two words, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
}

struct Words {
    text: String,
    gap: Gap,
    n_chars_left: usize,
}

impl Words {
    const fn new(chars_max: usize) -> Self {
        Self { text: String::new(), gap: Gap::None, n_chars_left: chars_max }
    }

    const fn is_full(&self) -> bool {
        self.n_chars_left == 0
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.gap = self.gap.max(Gap::Space);
            return;
        }
        if c.is_control() {
            return;
        }
        if !self.text.is_empty() {
            match self.gap {
                Gap::None => {}
                Gap::Space => self.put(' '),
                Gap::Line => self.put('\n'),
            }
        }
        self.gap = Gap::None;
        self.put(c);
    }

    fn put(&mut self, c: char) {
        if let Some(left) = self.n_chars_left.checked_sub(1) {
            self.n_chars_left = left;
            self.text.push(c);
        }
    }

    fn push_escaped(&mut self, text: &str) {
        for c in html_escape::decode_html_entities(text).chars() {
            self.push(c);
        }
    }

    /// Skips a tag and any content that it hides. Returns the text after it; empty if the tag does not end.
    fn pass_tag<'a>(&mut self, tag: &'a str) -> &'a str {
        let (is_end, inner) = tag.strip_prefix('/').map_or((false, tag), |inner| (true, inner));
        let name = inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let Some(rest) = end_of_tag(tag).and_then(|end| tag.get(end..)) else {
            return "";
        };
        if BLOCKS.contains(&name.as_str()) {
            self.gap = Gap::Line;
        } else if matches!(name.as_str(), "td" | "th") {
            self.gap = self.gap.max(Gap::Space);
        }
        if !is_end && UNREAD.contains(&name.as_str()) { after_element(rest, &name) } else { rest }
    }
}

/// Returns the position after the `>` that ends a tag, ignoring any `>` in quoted attribute values.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    let mut follows_equals = false;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') if follows_equals => quote = Some(byte),
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            follows_equals = byte == b'=';
        }
    }
    None
}

/// Returns the text after the end tag of an element; empty if there is none.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once("</") {
        if tag.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)) {
            return after(tag, ">");
        }
        rest = tag;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(of_html(html, 1_000), expected, "{html}");
    }

    #[test]
    fn tags_go_and_words_stay() {
        check("plain words", "plain words");
        check("<p>One <b>bold</b> word.</p><p>Two</p>", "One bold word.\nTwo");
        check("a<br/>b<br>c<hr />d", "a\nb\nc\nd");
        check("un<i>break</i>able", "unbreakable");
        check("  white \n\t space&nbsp;&nbsp; collapses  ", "white space collapses");
        check("<ul><li>one<li>two</ul>after", "one\ntwo\nafter");
        check("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc");
        check("<img src='x.png' alt='a > b'>picture", "picture");
        check("<a href=\"https://a.example/?x=1&amp;y=>\">link</a>", "link");
        check("<p class=it's>quoted</p>", "quoted");
    }

    #[test]
    fn what_is_not_for_readers_goes() {
        check("a<script>if (a < b) { x('</p>') }</script>b", "ab");
        check("a<STYLE type='text/css'>p > a {}</Style >b", "ab");
        check("a<!-- <p>no</p> -->b<!DOCTYPE html>c<?php x ?>d", "abcd");
        check("a<script>never ends", "a");
        check("a<!-- never ends", "a");
    }

    #[test]
    fn character_references_are_decoded_once() {
        check("fish &amp; chips &lt;3 &#8364; &#x1F600; &eacute;", "fish & chips <3 € 😀 é");
        check("&amp;lt;p&amp;gt;", "&lt;p&gt;");
        check("AT&T &unknown; & &", "AT&T &unknown; & &");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        check("1 < 2 and 3 <4 <", "1 < 2 and 3 <4 <");
        check("never <b ends", "never");
        check("<", "<");
        check("</", "</");
        check("", "");
    }

    #[test]
    fn texts_are_cut_and_cleaned() {
        assert_eq!(of_html("<p>äöü</p>ß", 4), "äöü\n");
        assert_eq!(of_html(&"x".repeat(100), 10), "xxxxxxxxxx");
        assert_eq!(of_plain("a\0b\u{7}\r\n\r\n c  <d> &amp;", 100), "ab\nc <d> &amp;");
        assert_eq!(of_plain("abc", 2), "ab");
    }

    #[test]
    fn time_is_in_proportion_to_the_length() {
        for hostile in ["<a", "<a href=\"", "<!--", "<script>", "</", "<script></script", "&", "&lt", "<p>"] {
            let _ = of_html(&hostile.repeat(300_000), usize::MAX);
        }
    }
}
