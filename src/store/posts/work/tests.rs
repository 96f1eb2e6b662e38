use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::models::person_name::Stamp;
use crate::models::post::ListedPost;
use crate::models::post_work::{TAGS_MAX, WorkChange, WorkField, WorkOutcome, WorkStatus};
use crate::store::operations::retention;
use crate::store::posts::list::{PostsQuery, list};
use crate::store::testing::{self, execute, number, record, test_store};

fn by(name: &str) -> Stamp {
    Stamp { at: Timestamp::now(), by: name.parse().ok() }
}

fn asked(json: &str) -> WorkChange {
    serde_json::from_str(json).unwrap()
}

/// Stores `n` posts, one per minute, oldest first, and returns their ids.
async fn posts(store: &Store, n: usize) -> Vec<PostId> {
    let start = testing::now_in_micros() - SignedDuration::from_hours(1);
    let mut batch = testing::posts(n, start);
    for (minute, scored) in (0..).zip(&mut batch) {
        scored.post.created_at = start + SignedDuration::from_mins(minute);
        scored.post.reach = [5, 900, 40, 900][usize::try_from(minute).unwrap() % 4];
    }
    record(store, &batch).await.unwrap();
    batch.iter().map(|scored| scored.post.uuid).collect()
}

async fn one(store: &Store, post: PostId, json: &str) -> WorkOutcome {
    change(store, &[(post, asked(json))], &by("Ana")).await.unwrap()[0].outcome
}

#[tokio::test]
async fn work_is_shown_with_the_post_and_its_history_says_who_did_what() {
    let store = test_store().await;
    let post = posts(&store, 2).await[0];
    assert_eq!(get(&store, post).await.unwrap(), Some(PostWork::untouched(post)));
    assert_eq!(get(&store, PostId::now_v7()).await.unwrap(), None);

    let wanted = asked(r#"{"status":"in_progress","assignee":"Bob","add_tags":["Refund","late"]}"#);
    let results = change(&store, &[(post, wanted.clone())], &by("Ana")).await.unwrap();
    let work = results[0].work.clone().unwrap();
    assert_eq!((results[0].outcome, work.updated_by.as_deref()), (WorkOutcome::Changed, Some("Ana")));
    assert!(work.needs_answer && work.revision > 0);
    assert_eq!(
        (work.tags.as_slice(), work.assignee.as_deref()),
        (&["late".to_owned(), "refund".to_owned()][..], Some("Bob"))
    );
    assert_eq!(get(&store, post).await.unwrap().as_ref(), Some(&work));
    let again = change(&store, &[(post, wanted)], &by("Eve")).await.unwrap();
    assert_eq!((again[0].outcome, again[0].work.as_ref()), (WorkOutcome::Unchanged, Some(&work)));

    let noted = note(&store, post, "called them", &by("Bob")).await.unwrap();
    let Noted::Stored(noted) = noted else { panic!("{noted:?}") };
    assert_eq!((noted.notes, noted.updated_by.as_deref()), (1, Some("Bob")));
    let told: Vec<_> = history(&store, post)
        .await
        .unwrap()
        .into_iter()
        .map(|moment| (moment.actor.unwrap_or_default(), moment.field, moment.before, moment.after))
        .collect();
    let entry = |actor: &str, field, before: Option<&str>, after: &str| {
        (actor.to_owned(), field, before.map(str::to_owned), Some(after.to_owned()))
    };
    let expected = [
        entry("Ana", WorkField::Status, Some("open"), "in_progress"),
        entry("Ana", WorkField::Assignee, None, "Bob"),
        entry("Ana", WorkField::NeedsAnswer, Some("false"), "true"),
        entry("Ana", WorkField::Tag, None, "late"),
        entry("Ana", WorkField::Tag, None, "refund"),
        entry("Bob", WorkField::Note, None, "called them"),
    ];
    assert_eq!(told, expected);

    let listed = list(&store, &PostsQuery { limit: 10, ..PostsQuery::default() }).await.unwrap().items;
    let works: Vec<_> = listed.iter().map(|listed| listed.work.as_ref()).collect();
    assert_eq!(works, [None, Some(&noted)]);
}

#[tokio::test]
async fn of_two_changes_to_the_same_revision_one_is_refused() {
    let store = test_store().await;
    let post = posts(&store, 1).await[0];
    let claim = async |name: &str| {
        let json = format!(r#"{{"revision":0,"assignee":"{name}"}}"#);
        let results = change(&store, &[(post, asked(&json))], &by(name)).await.unwrap();
        (results[0].outcome, results[0].work.clone().unwrap())
    };
    let ((one, seen), (other, seen_too)) = tokio::join!(claim("Ana"), claim("Bob"));
    let mut outcomes = [one, other];
    outcomes.sort_by_key(|outcome| *outcome == WorkOutcome::Conflict);
    assert_eq!(outcomes, [WorkOutcome::Changed, WorkOutcome::Conflict]);
    assert_eq!(seen, seen_too, "the refused one learns what the other did");
    assert_eq!(history(&store, post).await.unwrap().len(), 2);
}

#[tokio::test]
async fn writers_of_the_same_posts_in_opposite_orders_never_deadlock_and_lose_nothing() {
    let store = test_store().await;
    let posts = posts(&store, 40).await;
    let write = async |n: usize| {
        let mut changes: Vec<_> =
            posts.iter().map(|post| (*post, asked(&format!(r#"{{"add_tags":["t{n}"]}}"#)))).collect();
        if n % 2 == 1 {
            changes.reverse();
        }
        let results = change(&store, &changes, &by("Ana")).await.unwrap();
        assert!(results.iter().all(|result| result.outcome == WorkOutcome::Changed));
    };
    tokio::join!(write(0), write(1), write(2), write(3));
    assert_eq!(number(&store, "SELECT count(*) FROM post_work WHERE cardinality(tags) = 4").await, 40);
    assert_eq!(number(&store, "SELECT count(*) FROM post_work_history").await, 160);
}

#[tokio::test]
async fn a_bulk_change_reports_each_item_and_refusals_leave_the_others_alone() {
    let store = test_store().await;
    let posts = posts(&store, 3).await;
    let full: Vec<String> = (0..TAGS_MAX).map(|n| format!("\"t{n}\"")).collect();
    one(&store, posts[1], &format!(r#"{{"add_tags":[{}]}}"#, full.join(","))).await;
    one(&store, posts[2], r#"{"status":"closed"}"#).await;
    let gone = PostId::now_v7();
    let changes = [
        (posts[0], asked(r#"{"add_tags":["new"]}"#)),
        (posts[1], asked(r#"{"add_tags":["new"]}"#)),
        (gone, asked(r#"{"add_tags":["new"]}"#)),
        (posts[2], asked(r#"{"revision":0,"status":"open"}"#)),
    ];
    let results = change(&store, &changes, &by("Ana")).await.unwrap();
    let outcomes: Vec<_> = results.iter().map(|result| (result.post, result.outcome)).collect();
    let expected = [
        (posts[0], WorkOutcome::Changed),
        (posts[1], WorkOutcome::TooManyTags),
        (gone, WorkOutcome::UnknownPost),
        (posts[2], WorkOutcome::Conflict),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(results[2].work, None);
    assert_eq!(results[3].work.as_ref().map(|work| work.status), Some(WorkStatus::Closed));
}

/// Returns the ids of all posts that a query finds, page by page.
async fn ids(store: &Store, query: &QueueQuery) -> Vec<PostId> {
    let mut query = QueueQuery { limit: 2, ..query.clone() };
    let mut found = Vec::new();
    loop {
        let page = queue(store, &query).await.unwrap();
        found.extend(page.items.iter().map(|ListedPost { scored, .. }| scored.post.uuid));
        let Some(next) = page.next_cursor else { return found };
        query.cursor = Some(next);
    }
}

#[tokio::test]
async fn the_queue_lists_what_needs_an_answer_in_either_order_each_once() {
    let store = test_store().await;
    let posts = posts(&store, 8).await;
    let all: Vec<_> = posts.iter().map(|post| (*post, asked(r#"{"needs_answer":true}"#))).collect();
    change(&store, &all[..6], &by("Ana")).await.unwrap();
    one(&store, posts[4], r#"{"assignee":"Bob","add_tags":["vip"]}"#).await;
    one(&store, posts[5], r#"{"status":"answered"}"#).await;
    one(&store, posts[6], r#"{"add_tags":["vip"]}"#).await;

    let waiting = QueueQuery { needs_answer: Some(true), ..QueueQuery::default() };
    assert_eq!(ids(&store, &waiting).await, posts[..5]);
    let by_reach = ids(&store, &QueueQuery { order: QueueOrder::Reach, ..waiting.clone() }).await;
    let mut widest = [posts[1], posts[3]];
    widest.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(by_reach[..3], [widest[0], widest[1], posts[2]]);
    assert_eq!(by_reach.iter().collect::<BTreeSet<_>>().len(), 5);

    let of = |assignee: &str| QueueQuery { assignee: Some(assignee.to_owned()), ..waiting.clone() };
    assert_eq!(ids(&store, &of("Bob")).await, [posts[4]]);
    assert_eq!(ids(&store, &of("")).await, posts[..4]);
    let tagged = QueueQuery { tag: Some("vip".to_owned()), ..QueueQuery::default() };
    assert_eq!(ids(&store, &tagged).await, [posts[4], posts[6]]);
    let answered = QueueQuery { status: Some(WorkStatus::Answered), ..QueueQuery::default() };
    assert_eq!(ids(&store, &answered).await, [posts[5]]);
    let bad = QueueQuery { cursor: Some("x".to_owned()), ..waiting };
    assert!(matches!(queue(&store, &bad).await, Err(StoreError::BadCursor)));

    let used = names(&store).await.unwrap();
    assert_eq!(used.tags.iter().map(|tag| (tag.name.as_str(), tag.posts)).collect::<Vec<_>>(), [("vip", 2)]);
    assert_eq!(used.assignees[0].name, "Bob");
}

#[tokio::test]
async fn changes_since_a_revision_are_complete_and_in_order() {
    let store = test_store().await;
    let posts = posts(&store, 3).await;
    assert_eq!(changes(&store, None).await.unwrap().revision, 0);
    one(&store, posts[1], r#"{"add_tags":["a"]}"#).await;
    let start = changes(&store, None).await.unwrap();
    assert!(start.items.is_empty() && start.revision > 0);
    one(&store, posts[2], r#"{"add_tags":["a"]}"#).await;
    one(&store, posts[0], r#"{"add_tags":["a"]}"#).await;
    let next = changes(&store, Some(start.revision)).await.unwrap();
    assert_eq!(next.items.iter().map(|work| work.post).collect::<Vec<_>>(), [posts[2], posts[0]]);
    let last = changes(&store, Some(next.revision)).await.unwrap();
    assert_eq!((last.items.len(), last.revision, last.has_more), (0, next.revision, false));
}

#[tokio::test]
async fn notes_are_limited_and_work_expires_with_its_post() {
    let store = test_store().await;
    let now = Timestamp::now();
    let old = [100, 101].map(|n| testing::post(n, now - SignedDuration::from_hours(24 * 91)));
    record(&store, &old).await.unwrap();
    let kept = posts(&store, 1).await[0];
    for post in [old[0].post.uuid, old[1].post.uuid, kept] {
        one(&store, post, r#"{"needs_answer":true}"#).await;
        note(&store, post, "seen", &by("Ana")).await.unwrap();
    }
    execute(&store, &format!("UPDATE post_work SET n_notes = {NOTES_MAX}")).await;
    assert_eq!(note(&store, kept, "one more", &by("Ana")).await.unwrap(), Noted::Full);
    assert_eq!(note(&store, PostId::now_v7(), "lost", &by("Ana")).await.unwrap(), Noted::Unknown);
    retention::expire(&store, now).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM post_work").await, 1);
    assert_eq!(number(&store, "SELECT count(*) FROM post_work_history").await, 2);
    assert_eq!(get(&store, old[0].post.uuid).await.unwrap(), None);
}
