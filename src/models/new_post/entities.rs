//! Decodes HTML character references in texts. Networks escape the texts that they deliver, sometimes twice.

use std::borrow::Cow;

/// Names of character references other than `amp;`, each with its character.
const NAMES: [(&str, char); 5] =
    [("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("#39;", '\''), ("apos;", '\'')];

/// Returns the text as its author wrote it: both `&amp;` and `&amp;amp;` become `&`.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        decoded.push_str(before);
        // Each further round of escaping inserted another `amp;` after the ampersand.
        let mut name = reference;
        while let Some(inner) = name.strip_prefix("amp;") {
            name = inner;
        }
        let named = NAMES.iter().find_map(|(known, character)| Some((*character, name.strip_prefix(known)?)));
        let (character, after) = named.unwrap_or(('&', name));
        decoded.push(character);
        rest = after;
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_the_characters_that_they_stand_for_however_often_they_were_escaped() {
        for (sent, expected) in [
            ("fish & chips", "fish & chips"),
            ("fish &amp; chips", "fish & chips"),
            ("fish &amp;amp; chips", "fish & chips"),
            ("&lt;3 &amp;lt;3 &amp;amp;gt;", "<3 <3 >"),
            ("&quot;it&#39;s&quot;", "\"it's\""),
            ("AT&T &unknown; & &", "AT&T &unknown; & &"),
            ("ampersand: &amp", "ampersand: &amp"),
            ("&amp;couldn", "&couldn"),
        ] {
            assert_eq!(decoded(sent), expected, "{sent}");
        }
    }
}
