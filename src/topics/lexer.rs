//! Lexer: splits a query into tokens with their spans.

use winnow::Parser;
use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{alt, eof, opt, peek, preceded, terminated};
use winnow::error::EmptyError;
use winnow::token::{any, one_of, take_till, take_while};

use super::parse_error::{ParseError, Problem, Span};

type Result<T> = winnow::Result<T, EmptyError>;

/// Quotation marks that people and word processors use.
const QUOTES: [char; 6] = ['"', '“', '”', '„', '«', '»'];

/// Part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    /// `NEAR`, with its distance if that is a small number.
    Near {
        distance: Option<u8>,
        is_ordered: bool,
    },
    /// Characters between quotation marks.
    Quoted(&'a str),
    /// Quotation mark without a counterpart.
    UnclosedQuote,
    /// `name:value`, where the value may be in quotation marks or empty.
    Named {
        name: &'a str,
        value: &'a str,
    },
    /// Characters up to the next space, bracket or quotation mark.
    Bare(&'a str),
}

/// Token with its position and its original spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<'a> {
    pub token: Token<'a>,
    pub span: Span,
    pub written: &'a str,
}

/// Splits a query into tokens.
///
/// # Errors
/// If a quotation mark is never closed.
pub fn tokens(query: &str) -> std::result::Result<Vec<Spanned<'_>>, ParseError> {
    let mut found = Vec::new();
    let mut rest = query;
    let mut from = 0;
    loop {
        let before = rest;
        let Ok(_) = multispace0::<_, EmptyError>.parse_next(&mut rest) else { break };
        from += n_chars(before, rest);
        let at = rest;
        // Fails only at the end, because any other character starts some token.
        let Ok(token) = token(&mut rest) else { break };
        let written = at.get(..at.len() - rest.len()).unwrap_or_default();
        let span = Span { from, to: from + n_chars(at, rest) };
        from = span.to;
        if token == Token::UnclosedQuote {
            return Err(ParseError { span, problem: Problem::UnclosedQuote });
        }
        found.push(Spanned { token, span, written });
    }
    Ok(found)
}

/// Returns the number of characters that were consumed.
fn n_chars(before: &str, after: &str) -> usize {
    before.get(..before.len() - after.len()).unwrap_or_default().chars().count()
}

fn token<'a>(input: &mut &'a str) -> Result<Token<'a>> {
    alt((
        '('.value(Token::Open),
        ')'.value(Token::Close),
        quoted.map(Token::Quoted),
        one_of(QUOTES).value(Token::UnclosedQuote),
        terminated('-', peek(take_while(1, |c| !ends_bare(c) || c == '(' || is_quote(c)))).value(Token::Not),
        operator,
        named,
        bare.map(Token::Bare),
    ))
    .parse_next(input)
}

fn quoted<'a>(input: &mut &'a str) -> Result<&'a str> {
    preceded(one_of(QUOTES), terminated(take_till(0.., QUOTES), one_of(QUOTES))).parse_next(input)
}

fn operator<'a>(input: &mut &'a str) -> Result<Token<'a>> {
    let operator = alt(("AND".value(Token::And), "OR".value(Token::Or), "NOT".value(Token::Not), near));
    terminated(operator, end_of_bare).parse_next(input)
}

fn near<'a>(input: &mut &'a str) -> Result<Token<'a>> {
    ("NEAR", opt(preceded('/', (digit1, opt('f')))))
        .map(|(_, distance): (_, Option<(&str, Option<char>)>)| Token::Near {
            distance: distance.and_then(|(digits, _)| digits.parse().ok()),
            is_ordered: distance.is_some_and(|(_, order)| order.is_some()),
        })
        .parse_next(input)
}

/// Parses `name:value`. A colon that no letters precede, as in an emoticon, belongs to the text.
fn named<'a>(input: &mut &'a str) -> Result<Token<'a>> {
    let name = terminated(take_while(1.., |c: char| c.is_ascii_alphabetic()), ':');
    let value = alt((quoted, bare, "".value("")));
    (name, value).map(|(name, value)| Token::Named { name, value }).parse_next(input)
}

fn bare<'a>(input: &mut &'a str) -> Result<&'a str> {
    take_till(1.., ends_bare).parse_next(input)
}

fn end_of_bare(input: &mut &str) -> Result<()> {
    let next = alt((eof.void(), any.verify(|c| ends_bare(*c)).void()));
    peek(next).parse_next(input)
}

fn ends_bare(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c)
}

fn is_quote(c: char) -> bool {
    QUOTES.contains(&c)
}
