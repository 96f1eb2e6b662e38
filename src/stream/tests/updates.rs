use super::*;
use crate::models::live::{FrameId, LiveUpdate};

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
