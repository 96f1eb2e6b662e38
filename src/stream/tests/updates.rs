use super::*;
use crate::models::id::ShareLinkId;
use crate::models::live::{Audience, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::principal::Identity;

fn committed(n_posts: u64) -> LiveUpdate {
    LiveUpdate::Committed { delta: Vec::new(), posts: Vec::new(), n_posts, places: Default::default() }
}

async fn next_event(subscription: &mut Subscription) -> UpdateEvent {
    tokio::time::timeout(TIMEOUT, subscription.next()).await.expect("silence").expect("the end")
}

async fn heard_update(subscription: &mut Subscription) -> (FrameId, u64) {
    match next_event(subscription).await {
        UpdateEvent::Update(sequenced) => match sequenced.update {
            LiveUpdate::Committed { n_posts, .. } => (sequenced.first, n_posts),
            other => panic!("{other:?}"),
        },
        UpdateEvent::Gap => panic!("a gap"),
    }
}

/// Returns a subscription that has already reported its initial gap.
async fn listening(stream: &Stream, capacity: usize) -> Subscription {
    let mut subscription = stream.subscribe(capacity).await.unwrap();
    assert_eq!(next_event(&mut subscription).await, UpdateEvent::Gap, "earlier updates are missed");
    subscription
}

#[tokio::test]
async fn two_publishers_make_one_sequence_without_gaps() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let mut subscription = listening(&stream, 1_000).await;
    let (one, other) = (stream.updates(), redis.connect().await.updates());
    tokio::join!(
        async {
            for n in 0..50 {
                one.publish(&committed(n)).await.unwrap();
            }
        },
        async {
            for n in 50..100 {
                other.publish(&committed(n)).await.unwrap();
            }
        }
    );
    let mut seen = Vec::new();
    for offset in 1..=100 {
        let (id, n) = heard_update(&mut subscription).await;
        assert_eq!(id.offset, offset);
        seen.push(n);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_process_learns_the_audience_of_an_update_also_from_the_history() {
    let redis = Redis::start();
    let (stream, updates) = (redis.connect().await, redis.connect().await.updates());
    let mut subscription = listening(&stream, 100).await;
    let audiences = [
        Audience::Only(Identity::Operator),
        Audience::Everyone,
        Audience::Only(Identity::ShareHolder(ShareLinkId::now_v7())),
        Audience::Only(Identity::LocalOperator),
    ];
    let mut published = Vec::new();
    for audience in audiences {
        let update = committed(7);
        let first = updates.publish_to(audience, &update).await.unwrap();
        published.push(SequencedUpdate { first, audience, update });
    }
    let offsets: Vec<u64> = published.iter().map(|update| update.first.offset).collect();
    assert_eq!(offsets, [1, 2, 3, 4], "one sequence");
    for expected in &published {
        assert_eq!(next_event(&mut subscription).await, UpdateEvent::Update(expected.clone()));
    }
    let past = stream.history().after(None).await.unwrap().updates;
    assert_eq!(past.into_iter().map(|update| update.sequenced).collect::<Vec<_>>(), published);
}

/// It would take the identity for a detail and deliver the update to everyone.
#[tokio::test]
async fn a_version_without_audiences_cannot_decode_an_update_for_one_identity() {
    let redis = Redis::start();
    let updates = redis.connect().await.updates();
    for (audience, is_decoded) in [
        (Audience::Everyone, true),
        (Audience::Only(Identity::Operator), false),
        (Audience::Only(Identity::ShareHolder(ShareLinkId::now_v7())), false),
    ] {
        updates.publish_to(audience, &committed(1)).await.unwrap();
        let newest = redis.run(&["XREVRANGE", "sentiment_updates:history", "+", "-", "COUNT", "1"]);
        let stored = newest.lines().last().unwrap();
        assert_eq!(serde_json::from_str::<LiveUpdate>(stored).is_ok(), is_decoded, "{stored}");
    }
}

#[tokio::test]
async fn a_slow_subscriber_receives_a_gap() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let mut subscription = listening(&stream, 2).await;
    let updates = stream.updates();
    for n in 0..10 {
        updates.publish(&committed(n)).await.unwrap();
    }
    assert_eq!(heard_update(&mut subscription).await.1, 0);
    assert_eq!(heard_update(&mut subscription).await.1, 1);
    assert_eq!(next_event(&mut subscription).await, UpdateEvent::Gap);
    // Some updates may arrive after the gap, in order; the newest always arrives eventually.
    updates.publish(&committed(99)).await.unwrap();
    while heard_update(&mut subscription).await.1 != 99 {}
}

#[tokio::test]
async fn a_restart_of_redis_is_a_gap_and_ids_continue() {
    let mut redis = Redis::start();
    let stream = redis.connect().await;
    let updates = stream.updates();
    let mut subscription = listening(&stream, 100).await;
    let before = updates.publish(&committed(1)).await.unwrap();
    assert_eq!(heard_update(&mut subscription).await.0, before);
    redis.stop();
    assert!(updates.publish(&committed(2)).await.unwrap_err().is_unavailable());
    redis.restart();
    assert_eq!(next_event(&mut subscription).await, UpdateEvent::Gap);
    let after = until("publishing works again", async || updates.publish(&committed(3)).await.ok()).await;
    assert_eq!(heard_update(&mut subscription).await, (after.clone(), 3));
    assert_eq!(after, FrameId { offset: before.offset + 1, ..before });
}

#[tokio::test]
async fn a_lost_counter_is_a_new_epoch_and_a_gap() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let updates = stream.updates();
    let mut subscription = listening(&stream, 100).await;
    let mut last = updates.publish(&committed(1)).await.unwrap();
    heard_update(&mut subscription).await;
    for loss in [
        vec!["FLUSHALL"],
        vec!["DEL", "sentiment_updates:offset"],
        vec!["DEL", "sentiment_updates:epoch"],
        vec!["SET", "sentiment_updates:offset", "0"],
    ] {
        redis.run(&loss);
        let next = updates.publish(&committed(2)).await.unwrap();
        assert_ne!(next.epoch, last.epoch, "{loss:?}");
        assert_eq!(next_event(&mut subscription).await, UpdateEvent::Gap);
        assert_eq!(heard_update(&mut subscription).await.0, next);
        last = next;
    }
}

#[tokio::test]
async fn an_update_that_cannot_be_read_is_a_gap() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let mut subscription = listening(&stream, 100).await;
    redis.run(&["PUBLISH", "sentiment_updates", "nonsense"]);
    assert_eq!(next_event(&mut subscription).await, UpdateEvent::Gap);
    stream.updates().publish(&committed(5)).await.unwrap();
    assert_eq!(heard_update(&mut subscription).await.1, 5);
}

#[tokio::test]
async fn a_dropped_subscription_ends_its_connection() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    drop(listening(&stream, 100).await);
    until("the subscription has ended", async || {
        redis.run(&["PUBSUB", "NUMSUB", "sentiment_updates"]).ends_with('0').then_some(())
    })
    .await;
}
