//! Searches as rules of limited length.

use crate::topics::pushdown::approximate::{Leaf, Search};
use crate::topics::pushdown::words::quoted;

/// Length in characters below which alternatives lose conditions rather than being split with them, so that there is always
/// room for a term.
const SPLIT_CHARS_MIN: usize = 240;

/// Returns searches of limited length that together find what a search finds, or more. Conditions for which there is no
/// room are added to `left_out`.
pub fn split(search: &Search, n_chars_max: usize, left_out: &mut Vec<String>) -> Vec<Search> {
    if n_chars(&text(search)) <= n_chars_max {
        return vec![search.clone()];
    }
    match search {
        Search::Any(parts) => {
            let each = parts.iter().flat_map(|part| split(part, n_chars_max, left_out)).collect();
            grouped(each, n_chars_max)
        }
        Search::All(parts) => {
            let mut parts: Vec<&Search> = parts.iter().collect();
            parts.sort_by_key(|part| (!part.stands_alone(), n_chars(&text(part))));
            let mut kept: Vec<Search> = Vec::new();
            let mut alternatives = None;
            for part in parts {
                kept.push(part.clone());
                if n_chars_max >= SPLIT_CHARS_MIN
                    && n_chars(&text(&Search::All(kept.clone()))) <= n_chars_max / 2
                {
                    continue;
                }
                kept.pop();
                match alternatives {
                    None => alternatives = Some(part),
                    Some(_) => left_out.push(text(part)),
                }
            }
            distribute(kept, alternatives, n_chars_max, left_out)
        }
        // Terms are far shorter than rules.
        Search::Leaf(_) | Search::Not(_) => vec![search.clone()],
    }
}

/// Returns searches for what must all be found, once with each of the alternatives.
fn distribute(
    kept: Vec<Search>,
    alternatives: Option<&Search>,
    n_chars_max: usize,
    left_out: &mut Vec<String>,
) -> Vec<Search> {
    let Some(alternatives) = alternatives else {
        return vec![Search::All(kept)];
    };
    if kept.is_empty() {
        return split(alternatives, n_chars_max, left_out);
    }
    // A space, and parentheses.
    let n_chars_left = n_chars_max.saturating_sub(n_chars(&text(&Search::All(kept.clone()))) + 3);
    let each = split(alternatives, n_chars_left, left_out);
    let with = |part: Search| {
        let mut parts = kept.clone();
        match part {
            Search::All(more) => parts.extend(more),
            other => parts.push(other),
        }
        Search::All(parts)
    };
    each.into_iter().map(with).collect()
}

/// Joins searches as alternatives, as many as there is room for.
fn grouped(searches: Vec<Search>, n_chars_max: usize) -> Vec<Search> {
    let mut groups: Vec<Vec<Search>> = Vec::new();
    for search in searches {
        if let Some(group) = groups.last_mut() {
            group.push(search.clone());
            if n_chars(&together(group)) <= n_chars_max {
                continue;
            }
            group.pop();
        }
        groups.push(vec![search]);
    }
    groups.into_iter().filter_map(Search::any).collect()
}

/// Returns the length of a text in characters.
pub fn n_chars(text: &str) -> usize {
    text.chars().count()
}

/// Returns alternatives as X writes them.
pub fn together(parts: &[Search]) -> String {
    Search::any(parts.iter().cloned()).as_ref().map_or_else(String::new, text)
}

/// Returns a search as X writes it.
pub fn text(search: &Search) -> String {
    let within = |part: &Search| match part {
        Search::All(_) | Search::Any(_) => format!("({})", text(part)),
        Search::Leaf(_) | Search::Not(_) => text(part),
    };
    let join = |parts: &[Search], by: &str| parts.iter().map(within).collect::<Vec<_>>().join(by);
    match search {
        Search::All(parts) => join(parts, " "),
        Search::Any(parts) => join(parts, " OR "),
        // Groundswell determines the language of posts itself if X cannot.
        Search::Leaf(Leaf::Language(code)) => format!("(lang:{code} OR lang:und)"),
        Search::Leaf(leaf) => term(leaf),
        Search::Not(leaf) => format!("-{}", term(leaf)),
    }
}

fn term(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Words(words) => quoted(words),
        Leaf::Hashtag(tag) => format!("#{tag}"),
        Leaf::Mention(name) => format!("@{name}"),
        Leaf::Author(name) => format!("from:{name}"),
        Leaf::Language(code) => format!("lang:{code}"),
    }
}
