//! A query in terms of what a network can search for, which finds at least what the query matches.
//!
//! What cannot be searched for is left out of a conjunction, which makes it wider. It cannot be left out of alternatives,
//! because that would make them narrower, so these cannot be searched for as a whole.

use crate::topics::query::{Field, Near, Query, Term};

/// Query in terms of what a network can search for, in normal form as a [`Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Every part is found.
    All(Vec<Search>),
    /// At least one part is found.
    Any(Vec<Search>),
    /// Something is found.
    Leaf(Leaf),
    /// Something is not found.
    Not(Leaf),
}

/// What a network can search for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// One word, or several adjacent ones.
    Words(Vec<String>),
    /// A hashtag, without its `#`.
    Hashtag(String),
    /// A mention of an account, without its `@`.
    Mention(String),
    /// What an account wrote.
    Author(String),
    /// Posts in a language.
    Language(String),
}

/// What a network makes of a term or field.
pub struct Found {
    pub leaf: Leaf,
    /// Whether it finds no post that the term or field does not match.
    pub is_exact: bool,
    /// What is lost if it finds more, as it follows the name of the network.
    pub note: Option<&'static str>,
}

/// What a network can search for.
pub trait Dialect {
    /// Name of the network, as people know it.
    const NETWORK: &str;

    /// Returns what finds at least the posts that a term matches.
    ///
    /// # Errors
    /// Why there is nothing of the kind, as it follows the name of the network.
    fn term(term: &Term) -> Result<Found, &'static str>;

    /// Returns what finds at least the posts that a field matches.
    ///
    /// # Errors
    /// The same as for [`Dialect::term`].
    fn field(field: &Field) -> Result<Found, &'static str>;
}

/// What finds at least the posts that a query matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approximation {
    pub search: Search,
    /// Parts of the query that it leaves out, each with the reason.
    pub dropped: Vec<(String, String)>,
}

impl Search {
    fn all(parts: Vec<Self>) -> Option<Self> {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            other => vec![other],
        });
        join(flat, Self::All)
    }

    /// Joins searches of which at least one must find a post.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            other => vec![other],
        });
        join(flat, Self::Any)
    }

    /// Returns whether the search finds only posts with something specific.
    pub fn stands_alone(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(Self::stands_alone),
            Self::Any(parts) => parts.iter().all(Self::stands_alone),
            Self::Leaf(leaf) => !matches!(leaf, Leaf::Language(_)),
            Self::Not(_) => false,
        }
    }

    /// Returns whether the search only excludes posts.
    fn only_excludes(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::only_excludes),
            Self::Leaf(_) => false,
            Self::Not(_) => true,
        }
    }
}

/// Joins parts, each once.
fn join(parts: impl Iterator<Item = Search>, join: fn(Vec<Search>) -> Search) -> Option<Search> {
    let mut distinct: Vec<Search> = Vec::new();
    for part in parts {
        if !distinct.contains(&part) {
            distinct.push(part);
        }
    }
    match distinct.len() {
        0 | 1 => distinct.pop(),
        _ => Some(join(distinct)),
    }
}

/// Returns what finds at least the posts that a query matches.
///
/// # Errors
/// Why nothing does that a network could be asked for.
pub fn approximate<D: Dialect>(query: &Query) -> Result<Approximation, String> {
    let found = wider::<D>(query, false)?;
    if found.search.stands_alone() {
        return Ok(found);
    }
    let first = found.dropped.into_iter().next();
    Err(first.map_or_else(
        || format!("{} cannot search for exclusions and languages alone", D::NETWORK),
        |(part, reason)| format!("`{part}`: {reason}"),
    ))
}

/// Returns what finds at least the posts that a query matches, or those that it does not match.
fn wider<D: Dialect>(query: &Query, is_negated: bool) -> Result<Approximation, String> {
    let each = |parts: &[Query]| -> Vec<_> {
        let written = |part: &Query| match is_negated {
            true => Query::Not(Box::new(part.clone())).to_string(),
            false => part.to_string(),
        };
        parts.iter().map(|part| (written(part), wider::<D>(part, is_negated))).collect()
    };
    match (query, is_negated) {
        (Query::All(parts), false) | (Query::Any(parts), true) => conjunction(each(parts)),
        (Query::Any(parts), false) | (Query::All(parts), true) => alternatives::<D>(each(parts)),
        (Query::Not(part), _) => wider::<D>(part, !is_negated),
        (Query::Near(Near { left, right, .. }), false) => {
            let mut found = conjunction(each(&[left.as_ref().clone(), right.as_ref().clone()]))?;
            let reason = format!("{} is asked for both, however far apart", D::NETWORK);
            found.dropped.insert(0, (query.to_string(), reason));
            Ok(found)
        }
        (Query::Near(_), true) => Err(not_exactly::<D>()),
        (Query::Term(term), _) => leaf::<D>(query, D::term(term), is_negated),
        (Query::Field(field), _) => leaf::<D>(query, D::field(field), is_negated),
        (Query::Pack(_), _) => Err(format!("{} cannot search for ready-made queries", D::NETWORK)),
    }
}

fn not_exactly<D: Dialect>() -> String {
    format!("{} would exclude other posts, too", D::NETWORK)
}

fn leaf<D: Dialect>(
    query: &Query,
    found: Result<Found, &'static str>,
    is_negated: bool,
) -> Result<Approximation, String> {
    let Found { leaf, is_exact, note } = found.map_err(|why| format!("{} {why}", D::NETWORK))?;
    if !is_negated {
        let dropped = note.map(|note| (query.to_string(), format!("{} {note}", D::NETWORK)));
        return Ok(Approximation { search: Search::Leaf(leaf), dropped: dropped.into_iter().collect() });
    }
    match is_exact {
        true => Ok(Approximation { search: Search::Not(leaf), dropped: Vec::new() }),
        false => Err(not_exactly::<D>()),
    }
}

/// Part of a query as text, and what finds it.
type Part = (String, Result<Approximation, String>);

/// Leaves out what cannot be searched for.
fn conjunction(parts: Vec<Part>) -> Result<Approximation, String> {
    let (mut searches, mut dropped) = (Vec::new(), Vec::new());
    for (part, found) in parts {
        match found {
            Ok(found) => {
                searches.push(found.search);
                dropped.extend(found.dropped);
            }
            Err(reason) => dropped.push((part, reason)),
        }
    }
    match Search::all(searches) {
        Some(search) => Ok(Approximation { search, dropped }),
        None => Err(dropped.into_iter().next().map_or_else(String::new, |(_, reason)| reason)),
    }
}

/// Fails unless every part can be searched for.
fn alternatives<D: Dialect>(parts: Vec<Part>) -> Result<Approximation, String> {
    let (mut searches, mut dropped) = (Vec::new(), Vec::new());
    for (part, found) in parts {
        let found = found.map_err(|reason| match reason.starts_with('`') {
            true => reason,
            false => format!("`{part}`: {reason}"),
        })?;
        if found.search.only_excludes() {
            return Err(format!("`{part}`: an exclusion cannot be an alternative on {}", D::NETWORK));
        }
        searches.push(found.search);
        dropped.extend(found.dropped);
    }
    let search = Search::any(searches).ok_or_else(String::new)?;
    Ok(Approximation { search, dropped })
}
