//! Post orders other than newest first.

use jiff::{SignedDuration, Timestamp};

use super::filter::{Conditions, Values, joined};
use crate::models::post::PostOrder;
use crate::store::codec::PgTimestamp;
use crate::store::page::Cursor;

/// Maximum number of ranked posts. Anyone who needs more can use an export.
pub const RANKED_MAX: usize = 200;

/// Longest range of a ranking, because the whole range is read.
pub const RANKED_RANGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Sum of the counts that show reactions. Views are left out, because most platforms do not publish them.
macro_rules! reactions {
    ($likes:literal, $shares:literal, $comments:literal) => {
        concat!("(coalesce(", $likes, ", 0) + coalesce(", $shares, ", 0) + coalesce(", $comments, ", 0))")
    };
}

/// Time range, open on a side whose bound is absent.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct TimeRange {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Page of posts to select.
pub(in crate::store) struct PageRequest {
    pub order: PostOrder,
    /// Conditions for the filter and the range.
    pub conditions: Conditions,
    /// The same range, for engagement samples.
    pub within: TimeRange,
    /// Restricts newest first to posts after this one.
    pub cursor: Option<Cursor>,
    pub limit: i64,
}

/// Returns the statement that selects posts as `(uuid, created_at)` in the requested order.
pub(in crate::store) fn select_names(request: &PageRequest, values: &mut Values) -> String {
    let PageRequest { order, conditions, within, cursor, limit } = request;
    let limit = *limit;
    // Scores are read only if the filter or the order needs them.
    let scores =
        "JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at";
    let (scores, conditions) = if conditions.asks_scores || *order == PostOrder::Virality {
        (scores, conditions.all())
    } else {
        ("", joined(&conditions.of_post))
    };
    let mut samples = || {
        let from = values.bind(PgTimestamp(within.from.unwrap_or(Timestamp::UNIX_EPOCH)));
        let to = values.bind(PgTimestamp(within.to.unwrap_or_else(Timestamp::now)));
        format!("sample.created_at >= {from}::timestamptz AND sample.created_at < {to}::timestamptz")
    };
    let ranks = match *order {
        PostOrder::Newest => {
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
        PostOrder::Engagement => format!(
            "SELECT post.uuid, post.created_at, coalesce(last.n, {OF_POST}) AS rank
            FROM social_media_posts AS post {scores}
            LEFT JOIN (
                SELECT DISTINCT ON (sample.uuid) sample.uuid, {OF_SAMPLE} AS n
                FROM engagement_samples AS sample WHERE {} ORDER BY sample.uuid, sample.sampled_at DESC
            ) AS last ON last.uuid = post.uuid
            WHERE {conditions}",
            samples()
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

const OF_POST: &str = reactions!("post.likes", "post.shares", "post.comments");
const OF_SAMPLE: &str = reactions!("sample.likes", "sample.shares", "sample.comments");

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::models::post::{Engagement, PostOrder, ScoredPost};
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
        // The first is popular but stagnant, the second gains slowly, the third gains fast, the fourth was sampled once.
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
}
