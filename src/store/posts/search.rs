//! Text searches: words with the full-text index, emoji and hashtags exactly as written.
//!
//! The index contains neither emoji, which PostgreSQL treats as punctuation, nor the information which words are
//! hashtags.

use super::values::Values;

/// Returns the condition on `post` for a search in web search syntax. An `or` separates alternatives; everything
/// between two of them is required.
pub(in crate::store) fn condition(q: &str, values: &mut Values) -> String {
    let alternatives = alternatives_of(q);
    if alternatives.iter().all(|alternative| alternative.literals.is_empty()) {
        return words_condition(q, values);
    }
    let conditions: Vec<String> =
        alternatives.iter().map(|alternative| alternative.condition(values)).collect();
    format!("({})", conditions.join(" OR "))
}

/// Returns whether the full-text index can find the posts, because every alternative contains words.
pub(in crate::store) fn is_indexed(q: &str) -> bool {
    alternatives_of(q).iter().all(|alternative| !alternative.words.is_empty())
}

fn words_condition(words: &str, values: &mut Values) -> String {
    let words = values.bind(words.to_owned());
    format!("to_tsvector('simple', post.text) @@ websearch_to_tsquery('simple', {words}::text)")
}

/// Part of a search between two `or` operators.
#[derive(Debug, Default, PartialEq, Eq)]
struct Alternative {
    /// Words and phrases in web search syntax.
    words: Vec<String>,
    literals: Vec<Literal>,
}

/// Text that posts contain, or must not contain, exactly as written.
#[derive(Debug, PartialEq, Eq)]
struct Literal {
    kind: LiteralKind,
    is_excluded: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum LiteralKind {
    Emoji(String),
    /// A hashtag without its `#`: letters, digits and `_`.
    Hashtag(String),
    /// A quoted phrase with emoji in it.
    Phrase(String),
}

impl Alternative {
    fn condition(&self, values: &mut Values) -> String {
        let mut conditions = Vec::new();
        if !self.words.is_empty() {
            conditions.push(words_condition(&self.words.join(" "), values));
        }
        for Literal { kind, is_excluded } in &self.literals {
            let is_found = match kind {
                LiteralKind::Emoji(emoji) => {
                    format!("strpos(post.text, {}::text) > 0", values.bind(emoji.clone()))
                }
                LiteralKind::Hashtag(tag) => {
                    format!("post.text ~* {}::text", values.bind(format!("#{tag}(?![[:alnum:]_])")))
                }
                LiteralKind::Phrase(phrase) => {
                    format!("strpos(lower(post.text), lower({}::text)) > 0", values.bind(phrase.clone()))
                }
            };
            conditions.push(if *is_excluded { format!("NOT {is_found}") } else { is_found });
        }
        format!("({})", conditions.join(" AND "))
    }

    fn read(&mut self, token: &str) {
        let (is_excluded, body) = token.strip_prefix('-').map_or((false, token), |body| (true, body));
        if body.starts_with('"') {
            let phrase = body.trim_matches('"').trim();
            if phrase.contains(is_emoji) {
                let kind = LiteralKind::Phrase(phrase.to_owned());
                self.literals.push(Literal { kind, is_excluded });
            } else {
                self.words.push(token.to_owned());
            }
            return;
        }
        for run in runs_of(body) {
            if run.starts_with(is_emoji) {
                // Some apps omit the last variation selector.
                let kind = LiteralKind::Emoji(run.trim_end_matches(VARIATION_SELECTOR).to_owned());
                self.literals.push(Literal { kind, is_excluded });
                continue;
            }
            let is_in_tag = |c: char| c.is_alphanumeric() || c == '_';
            let tag = run.strip_prefix('#').filter(|tag| !tag.is_empty() && tag.chars().all(is_in_tag));
            if let Some(tag) = tag {
                self.literals.push(Literal { kind: LiteralKind::Hashtag(tag.to_owned()), is_excluded });
            }
            match (tag, is_excluded) {
                // Posts that merely contain the word are not excluded.
                (Some(_), true) => {}
                (_, true) => self.words.push(format!("-{run}")),
                (_, false) => self.words.push(run.to_owned()),
            }
        }
    }
}

fn alternatives_of(q: &str) -> Vec<Alternative> {
    let mut alternatives = vec![Alternative::default()];
    for token in tokens_of(q) {
        if token.eq_ignore_ascii_case("or") {
            alternatives.push(Alternative::default());
        } else if let Some(last) = alternatives.last_mut() {
            last.read(token);
        }
    }
    alternatives.retain(|alternative| *alternative != Alternative::default());
    alternatives
}

/// Splits a search at white space outside quotes.
fn tokens_of(q: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let is_between = move |c: char| {
        is_quoted ^= c == '"';
        c.is_whitespace() && !is_quoted
    };
    q.split(is_between).filter(|token| !token.is_empty())
}

const VARIATION_SELECTOR: char = '\u{fe0f}';
const JOINER: char = '\u{200d}';

/// Splits a token into single emoji and the text between them. An emoji includes its skin tone, its variation selector
/// and whatever is joined to it; two regional indicators are a flag.
fn runs_of(token: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let (mut before, mut n_indicators) = (None, 0);
    for (at, c) in token.char_indices() {
        let continues = match before {
            None => false,
            Some(JOINER) => true,
            Some(_) if is_modifier(c) => true,
            Some(last) if is_indicator(last) && is_indicator(c) => n_indicators % 2 == 1,
            Some(last) => !is_emoji(c) && !is_emoji(last) && !is_modifier(last),
        };
        n_indicators = if is_indicator(c) { n_indicators + 1 } else { 0 };
        if !continues {
            starts.push(at);
        }
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([token.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| token.get(*start..end)).collect()
}

const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{1f000}'..='\u{1faff}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
    )
}

const fn is_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

const fn is_modifier(c: char) -> bool {
    matches!(c, VARIATION_SELECTOR | JOINER | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::posts::filter::PostFilter;
    use crate::store::posts::list::{PostsQuery, list};
    use crate::store::testing::{self, record, test_store};

    #[test]
    fn only_searches_with_words_in_every_alternative_are_indexed() {
        for (q, expected) in [
            ("battery", true),
            ("#battery", true),
            ("battery 🔋", true),
            ("🔋", false),
            ("battery or 🔋", false),
            ("-#battery", false),
        ] {
            assert_eq!(is_indexed(q), expected, "{q}");
        }
    }

    #[test]
    fn emoji_are_taken_one_by_one_with_what_belongs_to_them() {
        for (token, expected) in [
            ("love😂🔥", vec!["love", "😂", "🔥"]),
            ("👍🏽❤️x", vec!["👍🏽", "❤️", "x"]),
            ("👩‍👧🇩🇪🇫🇷", vec!["👩‍👧", "🇩🇪", "🇫🇷"]),
            ("plain", vec!["plain"]),
        ] {
            assert_eq!(runs_of(token), expected);
        }
    }

    #[tokio::test]
    async fn words_emoji_and_hashtags_are_found_as_written() {
        const TEXTS: [&str; 7] = [
            "Love it 😂😂",
            "love the battery 🔋",
            "#MayMac was great",
            "the maymac fight, #maymac2",
            "👍🏽 fine ❤️",
            "a ❤ without a selector",
            "plain words",
        ];
        let store = test_store().await;
        let mut batch = testing::posts(TEXTS.len(), Timestamp::now());
        for (scored, text) in batch.iter_mut().zip(TEXTS) {
            scored.post.text = text.to_owned();
        }
        record(&store, &batch).await.unwrap();
        for (q, expected) in [
            ("😂", vec![0]),
            ("love", vec![0, 1]),
            ("love 🔋", vec![1]),
            ("love -🔋", vec![0]),
            ("😂 or 🔋", vec![0, 1]),
            ("😂 or plain", vec![0, 6]),
            ("\"it 😂\"", vec![0]),
            ("#maymac", vec![2]),
            ("maymac", vec![2, 3]),
            ("maymac -#maymac", vec![3]),
            ("👍", vec![4]),
            ("❤️", vec![4, 5]),
            ("🔥", vec![]),
        ] {
            let filter = PostFilter { q: Some(q.to_owned()), ..PostFilter::default() };
            let found =
                list(&store, &PostsQuery { filter, limit: 10, ..PostsQuery::default() }).await.unwrap();
            let found: Vec<String> = found.items.into_iter().map(|listed| listed.scored.post.text).collect();
            let mut places: Vec<usize> =
                (0..TEXTS.len()).filter(|place| found.iter().any(|text| text == TEXTS[*place])).collect();
            places.sort_unstable();
            assert_eq!((places, found.len()), (expected.clone(), expected.len()), "{q}");
        }
    }
}
