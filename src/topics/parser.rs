//! Parser: builds a query from tokens by recursive descent. `OR` binds least tightly, then `AND`, which may be omitted,
//! then `NEAR`.

use super::lexer::{Spanned, Token, tokens};
use super::limits::{DEPTH_MAX, DISTANCE_MAX, LENGTH_MAX, NEARS_MAX, TERMS_MAX};
use super::pack::Pack;
use super::parse_error::{Hint, ParseError, Parsed, Problem, Span};
use super::query::{Field, Near, Query, Term};
use super::text::{is_in_word, normalize, words_of};

/// Minimum number of letters before a wildcard, which bounds how many words it matches.
const WILDCARD_LETTERS_MIN: usize = 4;

/// Names of the fields, and of `is:` and `raw:`.
const NAMES: [&str; 6] = ["lang", "platform", "from", "country", "is", "raw"];

/// Minimum similarity, by Jaro–Winkler from 0 to 1, at which a known name is suggested for an unknown one.
const SIMILAR: f64 = 0.75;

/// Parses a query.
///
/// # Errors
/// The first problem, with the part of the query that it concerns.
pub fn parse(query: &str) -> Result<Parsed, ParseError> {
    let n_chars = query.chars().count();
    if n_chars > LENGTH_MAX {
        return Err(ParseError { span: Span { from: LENGTH_MAX, to: n_chars }, problem: Problem::TooLong });
    }
    let tokens = tokens(query)?;
    let whole = Span { from: 0, to: n_chars };
    let mut parser = Parser { tokens: &tokens, at: 0, end: n_chars, n_terms: 0, hints: Vec::new() };
    let query = parser.any(0)?;
    if let Some(stray) = parser.peek() {
        // Only a closing bracket ends an expression early.
        return Err(ParseError { span: stray.span, problem: Problem::UnopenedBracket });
    }
    if !query.is_specific() {
        return Err(ParseError { span: whole, problem: Problem::NotSpecific });
    }
    Ok(Parsed { query, hints: parser.hints })
}

struct Parser<'a> {
    tokens: &'a [Spanned<'a>],
    at: usize,
    /// Position after the last character.
    end: usize,
    n_terms: usize,
    hints: Vec<Hint>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Spanned<'a>> {
        self.tokens.get(self.at)
    }

    /// Consumes the next token if it is this one.
    fn take(&mut self, token: &Token<'_>) -> Option<&'a Spanned<'a>> {
        let next = self.peek().filter(|next| next.token == *token)?;
        self.at += 1;
        Some(next)
    }

    fn any(&mut self, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.all(depth)?];
        while let Some(or) = self.take(&Token::Or) {
            self.require_operand(or)?;
            parts.push(self.all(depth)?);
        }
        Ok(Query::any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.near(depth)?];
        loop {
            if let Some(and) = self.take(&Token::And) {
                self.require_operand(and)?;
            } else if self.peek().is_none_or(|next| matches!(next.token, Token::Or | Token::Close)) {
                return Ok(Query::all(parts));
            }
            parts.push(self.near(depth)?);
        }
    }

    fn near(&mut self, depth: usize) -> Result<Query, ParseError> {
        let first = self.at;
        let mut left = self.not(depth)?;
        while let Some(near) = self.peek() {
            let Token::Near { distance, is_ordered } = near.token else { break };
            self.at += 1;
            let distance = distance.filter(|distance| *distance <= DISTANCE_MAX);
            let distance = distance.ok_or(ParseError { span: near.span, problem: Problem::Distance })?;
            self.require_operand(near)?;
            let second = self.at;
            let right = self.not(depth)?;
            self.check_operand(&left, first)?;
            self.check_operand(&right, second)?;
            left = Query::Near(Near { left: Box::new(left), right: Box::new(right), distance, is_ordered });
            if n_nears(&left) > NEARS_MAX {
                return Err(ParseError { span: near.span, problem: Problem::TooManyNears });
            }
        }
        Ok(left)
    }

    /// Checks that `NEAR` can join a query. `start` is the index of its first token.
    fn check_operand(&self, query: &Query, start: usize) -> Result<(), ParseError> {
        let Some(what) = not_near(query) else { return Ok(()) };
        let span = Span {
            from: self.tokens.get(start).map_or(self.end, |token| token.span.from),
            to: self
                .at
                .checked_sub(1)
                .and_then(|last| self.tokens.get(last))
                .map_or(self.end, |token| token.span.to),
        };
        Err(ParseError { span, problem: Problem::NearOperand(what) })
    }

    fn not(&mut self, depth: usize) -> Result<Query, ParseError> {
        let Some(not) = self.take(&Token::Not) else { return self.operand(depth) };
        self.require_operand(not)?;
        self.check_depth(depth, not.span)?;
        Ok(Query::Not(Box::new(self.not(depth + 1)?)))
    }

    fn operand(&mut self, depth: usize) -> Result<Query, ParseError> {
        let Some(next) = self.peek() else {
            return Err(ParseError { span: Span { from: 0, to: self.end }, problem: Problem::Empty });
        };
        let error = |problem| ParseError { span: next.span, problem };
        self.at += 1;
        match next.token {
            Token::Open => {
                self.check_depth(depth, next.span)?;
                if let Some(close) = self.take(&Token::Close) {
                    let span = Span { from: next.span.from, to: close.span.to };
                    return Err(ParseError { span, problem: Problem::Empty });
                }
                let inner = self.any(depth + 1)?;
                self.take(&Token::Close).ok_or_else(|| error(Problem::UnclosedBracket))?;
                Ok(inner)
            }
            Token::Close => Err(error(Problem::UnopenedBracket)),
            Token::And | Token::Or | Token::Near { .. } => {
                Err(error(Problem::NothingBefore(next.written.to_owned())))
            }
            // `Self::not` consumes it, and the lexer reports a quotation mark without a counterpart.
            Token::Not | Token::UnclosedQuote => Err(error(Problem::Empty)),
            Token::Quoted(text) => {
                self.count(next.span)?;
                words(text).map(Query::Term).map_err(error)
            }
            Token::Named { name, value } => {
                self.count(next.span)?;
                named(name, value).map_err(error)
            }
            Token::Bare(text) => {
                self.count(next.span)?;
                self.hint(next, text);
                bare(text).map(Query::Term).map_err(error)
            }
        }
    }

    /// Checks that an operator is followed by something other than the end or a closing bracket.
    fn require_operand(&self, operator: &Spanned<'_>) -> Result<(), ParseError> {
        match self.peek().is_none_or(|next| next.token == Token::Close) {
            true => Err(ParseError {
                span: operator.span,
                problem: Problem::NothingAfter(operator.written.to_owned()),
            }),
            false => Ok(()),
        }
    }

    fn check_depth(&self, depth: usize, span: Span) -> Result<(), ParseError> {
        match depth >= DEPTH_MAX {
            true => Err(ParseError { span, problem: Problem::TooDeep }),
            false => Ok(()),
        }
    }

    fn count(&mut self, span: Span) -> Result<(), ParseError> {
        self.n_terms += 1;
        match self.n_terms > TERMS_MAX {
            true => Err(ParseError { span, problem: Problem::TooManyTerms }),
            false => Ok(()),
        }
    }

    /// Adds advice on a bare word that may not mean what its author intended.
    fn hint(&mut self, token: &Spanned<'_>, text: &str) {
        let upper = text.to_ascii_uppercase();
        let message = if matches!(upper.as_str(), "AND" | "OR" | "NOT" | "NEAR") {
            format!("`{text}` is searched as a word; write `{upper}` for the operator")
        } else if text.chars().any(|c| matches!(c, '+' | '&' | '$' | '!' | '?')) && words_of(text).len() == 1
        {
            format!("punctuation is ignored; write `raw:{text}` to search for these exact characters")
        } else {
            return;
        };
        self.hints.push(Hint { span: token.span, message });
    }
}

/// Returns the number of `NEAR`s in a query.
fn n_nears(query: &Query) -> usize {
    match query {
        Query::Near(near) => 1 + n_nears(&near.left) + n_nears(&near.right),
        Query::Any(parts) | Query::All(parts) => parts.iter().map(n_nears).sum(),
        Query::Not(part) => n_nears(part),
        Query::Term(_) | Query::Field(_) | Query::Pack(_) => 0,
    }
}

/// Returns the first part of a query that `NEAR` cannot join.
fn not_near(query: &Query) -> Option<String> {
    match query {
        Query::Term(Term::Raw(literal)) if !literal.chars().any(is_in_word) => Some(query.to_string()),
        Query::Term(_) | Query::Near(_) => None,
        Query::Any(parts) => parts.iter().find_map(not_near),
        Query::All(_) => Some("AND".to_owned()),
        Query::Not(_) => Some("NOT".to_owned()),
        Query::Field(_) | Query::Pack(_) => Some(query.to_string()),
    }
}

/// Reads one word, several adjacent ones, a word with a wildcard, a hashtag or a handle.
fn bare(text: &str) -> Result<Term, Problem> {
    let foreign = |instead| Problem::ForeignOperator { found: text.to_owned(), instead };
    match text {
        "&&" | "&" | "+" => return Err(foreign("AND")),
        "||" | "|" => return Err(foreign("OR")),
        "!" | "-" => return Err(foreign("NOT")),
        _ => {}
    }
    if let Some(letters) = text.strip_suffix('*') {
        return prefix(letters);
    }
    if let Some(tag) = text.strip_prefix(['#', '＃']) {
        return match words_of(tag).as_slice() {
            [tag] => Ok(Term::Hashtag(tag.clone())),
            _ => Err(Problem::NoWord(text.to_owned())),
        };
    }
    if let Some(handle) = text.strip_prefix(['@', '＠']) {
        let words = words_of(handle);
        return match words.is_empty() {
            true => Err(Problem::NoWord(text.to_owned())),
            false => Ok(Term::Handle(words)),
        };
    }
    words(text)
}

fn prefix(letters: &str) -> Result<Term, Problem> {
    if letters.contains('*') || letters.starts_with(['#', '@']) {
        return Err(Problem::MisplacedWildcard);
    }
    let words = words_of(letters);
    let is_whole = letters.chars().all(is_in_word);
    match words.as_slice() {
        [word] if is_whole && word.chars().count() >= WILDCARD_LETTERS_MIN => Ok(Term::Prefix(word.clone())),
        [_] if !is_whole => Err(Problem::MisplacedWildcard),
        [] | [_] => Err(Problem::ShortWildcard),
        _ => Err(Problem::MisplacedWildcard),
    }
}

fn words(text: &str) -> Result<Term, Problem> {
    if text.contains('*') {
        return Err(Problem::MisplacedWildcard);
    }
    let words = words_of(text);
    match words.is_empty() {
        true if text.trim().is_empty() => Err(Problem::Empty),
        true => Err(Problem::NoWord(text.to_owned())),
        false => Ok(Term::Words(words)),
    }
}

fn pack(name: &str) -> Option<Pack> {
    Pack::ALL.into_iter().find(|pack| pack.as_str().eq_ignore_ascii_case(name))
}

fn named(name: &str, value: &str) -> Result<Query, Problem> {
    let value = value.trim();
    let lower = name.to_ascii_lowercase();
    if !NAMES.contains(&lower.as_str()) {
        let by_similarity = |name: &&str| strsim::jaro_winkler(name, &lower);
        let similar = NAMES.into_iter().max_by(|a, b| by_similarity(a).total_cmp(&by_similarity(b)));
        let similar = similar.filter(|name| by_similarity(name) >= SIMILAR);
        return Err(Problem::UnknownField { name: name.to_owned(), similar });
    }
    if value.is_empty() {
        return Err(Problem::EmptyField(lower));
    }
    let code = |letters: std::ops::RangeInclusive<usize>, described, example| {
        let is_code = letters.contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphabetic());
        is_code.then_some(value).ok_or(Problem::Code { letters: described, example })
    };
    Ok(match lower.as_str() {
        "lang" => Query::Field(Field::Language(code(2..=3, "two or three", "lang:en")?.to_ascii_lowercase())),
        "country" => Query::Field(Field::Country(code(2..=2, "two", "country:DE")?.to_ascii_uppercase())),
        "is" => Query::Pack(pack(value).ok_or_else(|| Problem::UnknownPack { name: value.to_owned() })?),
        "platform" => Query::Field(Field::Platform(value.to_lowercase())),
        "from" => match value.trim_start_matches(['@', '＠']) {
            "" => return Err(Problem::EmptyField(lower)),
            handle => Query::Field(Field::Author(handle.to_lowercase())),
        },
        _ => Query::Term(Term::Raw(normalize(value).into_owned())),
    })
}
