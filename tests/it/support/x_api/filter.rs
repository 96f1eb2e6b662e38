//! Which posts a rule or a query matches: words, phrases, hashtags and operators, joined by AND, OR, NOT and parentheses.

use super::tweet::Tweet;

/// Rule or query that was understood.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// A word, a phrase or an operator, in lower case.
    Term(String),
}

/// Operators that match too much to stand alone.
const ONLY_TOGETHER: [&str; 5] = ["has:", "is:", "lang:", "sample:", "place_country:"];

impl Filter {
    /// Parses a text. The error says where it cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text)?;
        tokens.reverse();
        let filter = any(&mut tokens)?;
        if let Some(token) = tokens.pop() {
            return Err(format!("extraneous input '{token}'"));
        }
        if !filter.is_specific() {
            return Err("Rules must contain a non-negated standalone operator".to_owned());
        }
        Ok(filter)
    }

    /// Returns whether something in it may stand alone.
    fn is_specific(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(Self::is_specific),
            Self::Any(parts) => parts.iter().all(Self::is_specific),
            Self::Not(_) => false,
            Self::Term(term) => !ONLY_TOGETHER.iter().any(|operator| term.starts_with(operator)),
        }
    }

    pub(super) fn matches(&self, tweet: &Tweet) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(tweet)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(tweet)),
            Self::Not(part) => !part.matches(tweet),
            Self::Term(term) => is_in(tweet, term),
        }
    }
}

fn is_in(tweet: &Tweet, term: &str) -> bool {
    let text = tweet.text.to_lowercase();
    match term.split_once(':') {
        Some(("from", name)) => name == "ana",
        Some(("lang", language)) => language == tweet.language,
        Some(("is", "retweet")) => tweet.is_repost,
        Some(("is", _)) => false,
        Some(("has", "hashtags")) => text.contains('#'),
        Some(("has", "links")) => text.contains("https://"),
        Some(("has", _)) => false,
        _ if term.contains(' ') => text.contains(term),
        _ => text.split(|c: char| !(c.is_alphanumeric() || "#@$_".contains(c))).any(|word| {
            // A word also matches the hashtag of that name, but not the other way round.
            word == term || (word.trim_start_matches('#') == term)
        }),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let n_bytes = match first {
            '(' | ')' => 1,
            '-' => 1,
            '"' => match rest[1..].find('"') {
                Some(n) => n + 2,
                None => return Err("missing closing quotation mark".to_owned()),
            },
            _ => rest.find(|c: char| c.is_whitespace() || "()\"".contains(c)).unwrap_or(rest.len()),
        };
        tokens.push(rest[..n_bytes].to_owned());
        rest = rest[n_bytes..].trim_start();
    }
    Ok(tokens)
}

/// Parses what OR joins. The tokens are in reverse.
fn any(tokens: &mut Vec<String>) -> Result<Filter, String> {
    let mut parts = vec![all(tokens)?];
    while tokens.last().is_some_and(|token| token == "OR") {
        tokens.pop();
        parts.push(all(tokens)?);
    }
    Ok(Filter::Any(parts))
}

fn all(tokens: &mut Vec<String>) -> Result<Filter, String> {
    let mut parts = Vec::new();
    while let Some(token) = tokens.pop_if(|token| !["OR", ")"].contains(&token.as_str())) {
        parts.push(match token.as_str() {
            "(" => {
                let inner = any(tokens)?;
                tokens.pop_if(|token| token == ")").ok_or("missing ')' at '<EOF>'")?;
                inner
            }
            "-" => {
                let negated = tokens.pop().filter(|token| !["(", ")", "OR", "-"].contains(&token.as_str()));
                Filter::Not(Box::new(term(&negated.ok_or("mismatched input after '-'")?)))
            }
            _ => term(&token),
        });
    }
    if parts.is_empty() {
        return Err(format!("no viable alternative at input '{}'", tokens.last().map_or("<EOF>", |it| it)));
    }
    Ok(Filter::All(parts))
}

fn term(token: &str) -> Filter {
    Filter::Term(token.trim_matches('"').to_lowercase())
}
