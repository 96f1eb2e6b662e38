//! Sort orders for posts other than newest first and by engagement, which read their whole range.

use jiff::{SignedDuration, Timestamp};

use super::filter::{Conditions, joined};
use super::values::Values;
use crate::models::post::PostOrder;
use crate::store::codec::PgTimestamp;
use crate::store::page::Cursor;

/// Maximum number of posts in a ranking. Clients that need more can use an export.
pub const RANKED_MAX: usize = 200;

/// Longest range that a ranking may cover; limited because the whole range is read.
pub const RANKED_RANGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Expression for a post's engagement. Views do not count, because most platforms do not publish them. An index uses
/// exactly this expression.
macro_rules! reactions {
    ($likes:literal, $shares:literal, $comments:literal) => {
        concat!("(coalesce(", $likes, ", 0) + coalesce(", $shares, ", 0) + coalesce(", $comments, ", 0))")
    };
}

/// Time range; an absent bound leaves that side open.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct TimeRange {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Posts to select for one page.
pub(in crate::store) struct PageRequest {
    pub order: PostOrder,
    /// Conditions for the filter and the range of event times.
    pub conditions: Conditions,
    /// Range in [`Self::conditions`], which also limits the engagement samples to read.
    pub within: TimeRange,
    /// Post after which the page starts; only for the order newest first.
    pub cursor: Option<Cursor>,
    pub limit: i64,
}

/// Returns the statement that selects posts as `(uuid, created_at)` in the requested order.
pub(in crate::store) fn select_names(request: &PageRequest, values: &mut Values) -> String {
    let PageRequest { order, conditions, within, cursor, limit } = request;
    let limit = *limit;
    // Scores are read only if the filter or the order needs them.
    let (scores, conditions) = if conditions.asks_scores || *order == PostOrder::Virality {
        (SCORES, conditions.all())
    } else {
        ("", joined(&conditions.of_post))
    };
    let mut samples = || {
        let from = values.bind(PgTimestamp(within.from.unwrap_or(Timestamp::UNIX_EPOCH)));
        let to = values.bind(PgTimestamp(within.to.unwrap_or_else(Timestamp::now)));
        format!("sample.created_at >= {from}::timestamptz AND sample.created_at < {to}::timestamptz")
    };
    let ranks = match *order {
        // By engagement, posts without engagement come last.
        PostOrder::Newest | PostOrder::Engagement => {
            let after = cursor.map(|Cursor { at, id }| {
                let (at, id) = (values.bind(PgTimestamp(at)), values.bind(id));
                format!("AND (post.created_at, post.uuid) < ({at}::timestamptz, {id}::uuid)")
            });
            let (after, limit) = (after.unwrap_or_default(), values.bind(limit));
            return format!(
                "SELECT post.uuid, post.created_at FROM social_media_posts AS post {scores} WHERE {conditions} {after}
                ORDER BY post.created_at DESC, post.uuid DESC LIMIT {limit}"
            );
        }
        PostOrder::Virality => format!(
            "SELECT post.uuid, post.created_at, score.virality AS rank
            FROM social_media_posts AS post {scores} WHERE {conditions}"
        ),
        PostOrder::Rising => format!(
            "SELECT post.uuid, post.created_at,
                (last.n - coalesce(last.n_before, {OF_POST}))
                    / greatest(extract(epoch FROM last.at - coalesce(last.before, post.received_at)) / 3600, 1.0 / 60)
                    / (greatest(extract(epoch FROM now() - post.created_at), 0) / 3600 + 2) AS rank
            FROM (
                SELECT sample.uuid, sample.created_at, sample.sampled_at AS at, {OF_SAMPLE} AS n,
                    lag({OF_SAMPLE}) OVER earlier AS n_before, lag(sample.sampled_at) OVER earlier AS before,
                    lead(sample.sampled_at) OVER earlier AS after
                FROM engagement_samples AS sample WHERE {}
                WINDOW earlier AS (PARTITION BY sample.uuid ORDER BY sample.sampled_at)
            ) AS last
            JOIN social_media_posts AS post ON post.uuid = last.uuid AND post.created_at = last.created_at {scores}
            WHERE last.after IS NULL AND last.n > coalesce(last.n_before, {OF_POST}) AND {conditions}",
            samples()
        ),
    };
    let limit = values.bind(limit);
    format!(
        "SELECT uuid, created_at FROM ({ranks}) AS ranked ORDER BY rank DESC, created_at DESC, uuid DESC LIMIT {limit}"
    )
}

/// Join with the scores of posts.
const SCORES: &str =
    "JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at";

/// Condition for posts whose first delivery included engagement. The predicate of an index is exactly this condition.
const HAS_REACTIONS: &str =
    "(post.likes IS NOT NULL OR post.shares IS NOT NULL OR post.comments IS NOT NULL)";

/// Condition for posts with engagement in a later delivery.
const WAS_SAMPLED: &str = "EXISTS (SELECT 1 FROM latest_engagement AS latest WHERE latest.uuid = post.uuid)";

/// Returns the condition for posts whose engagement is unknown.
pub(in crate::store) fn without_engagement() -> String {
    format!("NOT {HAS_REACTIONS} AND NOT {WAS_SAMPLED}")
}

/// Returns the statement that selects the posts with engagement as `(uuid, created_at, reactions)`, highest first,
/// after the given engagement and position.
///
/// It reads two indexes in this order, one of posts that were sent once and one of those that were sent again, and
/// stops when the page is full.
pub(in crate::store) fn select_by_engagement(
    request: &PageRequest,
    after: Option<i64>,
    values: &mut Values,
) -> String {
    let PageRequest { conditions, within, cursor, limit, .. } = request;
    let (scores, conditions) =
        if conditions.asks_scores { (SCORES, conditions.all()) } else { ("", joined(&conditions.of_post)) };
    let limit = values.bind(*limit);
    let position = after.zip(*cursor).map(|(reactions, Cursor { at, id })| {
        let (reactions, at, id) = (values.bind(reactions), values.bind(PgTimestamp(at)), values.bind(id));
        format!("({reactions}::bigint, {at}::timestamptz, {id}::uuid)")
    });
    let next =
        |place: &str| position.as_ref().map_or_else(String::new, |after| format!("AND ({place}) < {after}"));
    let mut of_latest = String::new();
    for (edge, moment) in [(">=", within.from), ("<", within.to)] {
        let Some(moment) = moment else { continue };
        let moment = values.bind(PgTimestamp(moment));
        of_latest.push_str(&format!("AND latest.created_at {edge} {moment}::timestamptz "));
    }
    format!(
        "SELECT uuid, created_at, reactions FROM (
            (SELECT post.uuid, post.created_at, {OF_POST} AS reactions FROM social_media_posts AS post {scores}
            WHERE {HAS_REACTIONS} AND NOT {WAS_SAMPLED} AND {conditions} {}
            ORDER BY {OF_POST} DESC, post.created_at DESC, post.uuid DESC LIMIT {limit})
            UNION ALL
            (SELECT post.uuid, post.created_at, latest.reactions FROM latest_engagement AS latest
            JOIN social_media_posts AS post ON post.uuid = latest.uuid AND post.created_at = latest.created_at {scores}
            WHERE {conditions} {of_latest} {}
            ORDER BY latest.reactions DESC, latest.created_at DESC, latest.uuid DESC LIMIT {limit})
        ) AS ranked ORDER BY reactions DESC, created_at DESC, uuid DESC LIMIT {limit}",
        next(&format!("{OF_POST}, post.created_at, post.uuid")),
        next("latest.reactions, latest.created_at, latest.uuid"),
    )
}

const OF_POST: &str = reactions!("post.likes", "post.shares", "post.comments");
const OF_SAMPLE: &str = reactions!("sample.likes", "sample.shares", "sample.comments");

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::models::post::{Engagement, PostOrder, ScoredPost};
    use crate::models::score::SentimentLabel;
    use crate::store::StoreError;
    use crate::store::posts::filter::PostFilter;
    use crate::store::posts::key_filter::KeyFilter;
    use crate::store::posts::list::{PostsQuery, list};
    use crate::store::testing::record;
    use crate::store::testing::{self, test_store};
    use jiff::SignedDuration;

    fn reacted(n: usize, likes: i64, at: Timestamp, received_at: Timestamp) -> ScoredPost {
        let mut scored = testing::post(n, at);
        scored.post.received_at = received_at;
        scored.post.engagement =
            Some(Engagement { likes: Some(likes), shares: Some(1), ..Engagement::default() });
        scored
    }

    #[tokio::test]
    async fn each_order_ranks_posts_as_documented() {
        let store = test_store().await;
        let now = testing::now_in_micros();
        let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
        // The first is popular but stagnant, the second gains slowly, the third gains fast, and the fourth was sampled
        // once.
        let first = [
            reacted(0, 900, ago(600), ago(600)),
            reacted(1, 10, ago(600), ago(600)),
            reacted(2, 5, ago(60), ago(60)),
            reacted(3, 40, ago(60), ago(60)),
        ];
        record(&store, &first).await.unwrap();
        let again = [
            reacted(0, 950, ago(600), ago(500)),
            reacted(1, 60, ago(600), ago(10)),
            reacted(2, 105, ago(60), ago(10)),
        ];
        assert_eq!(record(&store, &again).await.unwrap().n_engagement_samples, 3);
        record(&store, &[reacted(0, 951, ago(600), ago(10))]).await.unwrap();
        let ids = async |order: PostOrder| -> Vec<String> {
            let query = PostsQuery { from: Some(ago(700)), order, limit: 10, ..PostsQuery::default() };
            let page = list(&store, &query).await.unwrap();
            assert_eq!(page.next_cursor, None);
            page.items.into_iter().map(|listed| listed.scored.post.id).collect()
        };
        assert_eq!(ids(PostOrder::Engagement).await, ["id-0", "id-2", "id-1", "id-3"]);
        assert_eq!(ids(PostOrder::Rising).await, ["id-2", "id-1", "id-0"]);
        let mut by_virality: Vec<_> = first.iter().collect();
        by_virality.sort_by(|a, b| b.score.virality.total_cmp(&a.score.virality));
        let expected: Vec<_> = by_virality.iter().map(|scored| scored.post.id.clone()).collect();
        assert_eq!(ids(PostOrder::Virality).await, expected);
    }

    /// Stores posts of a month: some sent again, some without counts, many with equal counts.
    #[tokio::test]
    async fn pages_by_engagement_name_every_post_once_and_those_without_counts_last() {
        let store = test_store().await;
        let now = testing::now_in_micros();
        let at = |n: usize| now - SignedDuration::from_hours(n as i64 / 3 * 7);
        let mut batch: Vec<ScoredPost> = (0..90)
            .map(|n| match n % 5 {
                0 => testing::post(n, at(n)),
                _ => reacted(n, n as i64 % 7, at(n), at(n)),
            })
            .collect();
        record(&store, &batch).await.unwrap();
        // Sent again: more for some, less for some, and counts for some that had none.
        let again: Vec<ScoredPost> =
            (0..90).filter(|n| n % 4 == 0).map(|n| reacted(n, (n as i64 * 3) % 11, at(n), now)).collect();
        record(&store, &again).await.unwrap();
        // An entry that is delivered late does not replace a newer one.
        record(&store, &[reacted(8, 500, at(8), at(8) + SignedDuration::from_secs(1))]).await.unwrap();
        for scored in again {
            let known = batch.iter_mut().find(|known| known.post.id == scored.post.id).unwrap();
            known.post.engagement = scored.post.engagement;
        }
        let reactions = |scored: &ScoredPost| {
            let Engagement { likes, shares, .. } = scored.post.engagement?;
            Some(likes.unwrap_or_default() + shares.unwrap_or_default())
        };
        batch.sort_by_key(|scored| {
            std::cmp::Reverse((reactions(scored), scored.post.created_at, scored.post.uuid))
        });
        let month = now - SignedDuration::from_hours(24 * 5);
        for (filter, from) in [
            (PostFilter::default(), None),
            (PostFilter::default(), Some(month)),
            (PostFilter { label: KeyFilter::only(SentimentLabel::Negative), ..PostFilter::default() }, None),
            (PostFilter { platform: KeyFilter::only("twitter"), ..PostFilter::default() }, Some(month)),
        ] {
            let matches = |scored: &&ScoredPost| {
                (filter.label.is_empty() || scored.score.sentiment.label == SentimentLabel::Negative)
                    && (filter.platform.is_empty() || scored.post.platform == "twitter")
                    && from.is_none_or(|from| scored.post.created_at >= from)
            };
            let expected: Vec<&str> =
                batch.iter().filter(matches).map(|scored| scored.post.id.as_str()).collect();
            let mut found = Vec::new();
            let mut query = PostsQuery {
                filter: filter.clone(),
                from,
                order: PostOrder::Engagement,
                limit: 7,
                ..PostsQuery::default()
            };
            loop {
                let page = list(&store, &query).await.unwrap();
                found.extend(page.items.into_iter().map(|listed| listed.scored.post.id));
                let Some(next) = page.next_cursor else { break };
                query.cursor = Some(next);
            }
            assert_eq!(found, expected, "{filter:?}, {from:?}");
        }
        let query = PostsQuery {
            order: PostOrder::Engagement,
            cursor: Some("1".to_owned()),
            limit: 7,
            ..PostsQuery::default()
        };
        assert!(matches!(list(&store, &query).await, Err(StoreError::BadCursor)));
    }
}
