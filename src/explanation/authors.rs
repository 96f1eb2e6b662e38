//! Authors of the posts, and how concentrated the posts are.

use std::collections::HashMap;

use super::{count, share};
use crate::models::explanation::{ExplainedAuthor, ExplainedAuthors, SampledPost};

/// Maximum number of authors listed.
const AUTHORS_MAX: usize = 10;

/// Returns the authors with the most posts, and the number of authors. The same name on two platforms counts as one
/// author, as it does for the filter `author`.
pub(super) fn explained(posts: &[SampledPost]) -> ExplainedAuthors {
    let mut by_author: HashMap<&str, (i64, i64)> = HashMap::new();
    for sampled in posts {
        if let Some(author) = sampled.post.author.as_deref() {
            let (n_posts, reach) = by_author.entry(author).or_default();
            *n_posts += 1;
            *reach = sampled.reach.max(*reach);
        }
    }
    let n_read = count(posts.len());
    let n_known: i64 = by_author.values().map(|(n_posts, _)| n_posts).sum();
    let distinct = count(by_author.len());
    let mut items: Vec<ExplainedAuthor> = by_author
        .into_iter()
        .map(|(author, (n_posts, reach))| ExplainedAuthor {
            author: author.to_owned(),
            posts: n_posts,
            share: share(n_posts, n_read),
            reach,
        })
        .collect();
    items.sort_unstable_by(|a, b| (b.posts, b.reach, &a.author).cmp(&(a.posts, a.reach, &b.author)));
    items.truncate(AUTHORS_MAX);
    let n_listed = items.iter().map(|item| item.posts).sum();
    ExplainedAuthors { distinct, unknown: n_read - n_known, share: share(n_listed, n_read), items }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sampled;
    use super::*;

    #[test]
    fn authors_are_listed_by_posts_with_their_largest_reach() {
        let mut posts = sampled(&["a", "b", "c", "d"]);
        for (sampled, (author, reach)) in
            posts.iter_mut().zip([(Some("x"), 10), (Some("y"), 900), (Some("x"), 30), (None, 5_000)])
        {
            sampled.post.author = author.map(str::to_owned);
            sampled.reach = reach;
        }
        let found = explained(&posts);
        assert_eq!((found.distinct, found.unknown, found.share), (2, 1, 0.75));
        let items: Vec<(&str, i64, f64, i64)> = found
            .items
            .iter()
            .map(|item| (item.author.as_str(), item.posts, item.share, item.reach))
            .collect();
        assert_eq!(items, [("x", 2, 0.5, 30), ("y", 1, 0.25, 900)]);
        assert_eq!(explained(&[]).share, 0.0);
    }
}
