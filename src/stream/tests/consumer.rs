use super::*;
use crate::stream::client::BLOCK_MAX;

const SOON: Duration = Duration::from_millis(50);

/// Idle time that an entry has only if a test sets it.
const LONG: Duration = Duration::from_secs(3_600);

async fn ready(redis: &Redis, n: u32) -> (Stream, Consumer) {
    let stream = redis.connect().await;
    let consumer = stream.consumer().await.unwrap();
    consumer.create_group().await.unwrap();
    stream.producer().publish(&posts(0..n)).await.unwrap();
    (stream, consumer)
}

async fn health(stream: &Stream) -> (u64, u64, u64, u64) {
    let health = stream.health().await.unwrap();
    (health.length, health.lag, health.pending, health.dead)
}

fn ids(delivered: &[Delivered]) -> Vec<EntryId> {
    delivered.iter().map(|entry| entry.id.clone()).collect()
}

fn request(id: &EntryId) -> DeadLetterRequest {
    DeadLetterRequest {
        id: id.clone(),
        reason: "scorer panicked".into(),
        attempts: 3,
        died_at: Timestamp::now(),
    }
}

/// Claims repeatedly until an entry has been idle for long enough to be claimed.
async fn claimed(consumer: &Consumer) -> Vec<Delivered> {
    until("something is claimed", async || {
        Some(consumer.claim(SOON, 100).await.unwrap()).filter(|entries| !entries.is_empty())
    })
    .await
}

#[tokio::test]
async fn acknowledging_removes_an_entry_completely() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 5).await;
    let read = consumer.read(3, SOON).await.unwrap();
    assert_eq!(health(&stream).await, (5, 2, 3, 0));
    consumer.acknowledge(&ids(&read)).await.unwrap();
    assert_eq!(health(&stream).await, (2, 2, 0, 0));
    consumer.acknowledge(&ids(&read)).await.unwrap();
    assert_eq!(health(&stream).await, (2, 2, 0, 0), "twice is as good as once");
}

#[tokio::test]
async fn an_empty_stream_is_not_an_error() {
    let redis = Redis::start();
    let consumer = redis.connect().await.consumer().await.unwrap();
    assert!(consumer.read(10, SOON).await.unwrap().is_empty());
    assert!(consumer.read(10, Duration::ZERO).await.unwrap().is_empty());
    assert!(consumer.claim(SOON, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_waiting_read_wakes_up_for_the_first_post() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 0).await;
    let producer = stream.producer();
    let sent = posts(0..1);
    let (read, ()) = tokio::join!(consumer.read(10, BLOCK_MAX), async {
        until("the reader waits", async || {
            redis.run(&["CLIENT", "LIST"]).contains("cmd=xreadgroup").then_some(())
        })
        .await;
        producer.publish(&sent).await.unwrap();
    });
    assert_eq!(read.unwrap().len(), 1);
}

#[tokio::test]
async fn entries_of_a_dead_consumer_are_claimed_with_their_delivery_count() {
    let redis = Redis::start();
    let (stream, first) = ready(&redis, 4).await;
    let read = first.read(4, SOON).await.unwrap();
    let second = stream.consumer().await.unwrap();
    assert_ne!(first.name(), second.name());
    assert!(second.read(4, SOON).await.unwrap().is_empty(), "they are not new");
    assert!(second.claim(LONG, 100).await.unwrap().is_empty(), "they are not idle");
    let taken = claimed(&second).await;
    assert_eq!(ids(&taken), ids(&read));
    assert!(taken.iter().all(|entry| entry.n_deliveries == 2 && decode_post(&entry.fields).is_ok()));
    let third = stream.consumer().await.unwrap();
    assert!(claimed(&third).await.iter().all(|entry| entry.n_deliveries == 3));
}

#[tokio::test]
async fn claiming_continues_where_it_ended() {
    let redis = Redis::start();
    let (stream, first) = ready(&redis, 5).await;
    first.read(5, SOON).await.unwrap();
    let second = stream.consumer().await.unwrap();
    let mut taken = std::collections::HashSet::new();
    until("all are claimed", async || {
        taken.extend(ids(&second.claim(SOON, 2).await.unwrap()));
        (taken.len() == 5).then_some(())
    })
    .await;
}

#[tokio::test]
async fn entries_deleted_by_hand_are_not_claimed_forever() {
    let redis = Redis::start();
    let (stream, first) = ready(&redis, 2).await;
    let read = first.read(2, SOON).await.unwrap();
    redis.run(&["XDEL", "social_posts_stream", read[0].id.as_str()]);
    let second = stream.consumer().await.unwrap();
    assert_eq!(ids(&claimed(&second).await), [read[1].id.clone()]);
    assert_eq!(health(&stream).await, (1, 0, 1, 0));
}

#[tokio::test]
async fn renewed_entries_are_not_claimed() {
    let redis = Redis::start();
    let (stream, first) = ready(&redis, 2).await;
    let read = first.read(2, SOON).await.unwrap();
    let second = stream.consumer().await.unwrap();
    let idle_ms = (2 * LONG).as_millis().to_string();
    for entry in &read {
        let claim = ["XCLAIM", "social_posts_stream", "groundswell", first.name(), "0", entry.id.as_str()];
        redis.run(&[&claim[..], &["IDLE", &idle_ms, "JUSTID"]].concat());
    }
    first.renew(&ids(&read[1..])).await.unwrap();
    assert_eq!(ids(&second.claim(LONG, 100).await.unwrap()), ids(&read[..1]), "the other was renewed");
    let held = [(second.name().to_owned(), "2".to_owned()), (first.name().to_owned(), "1".to_owned())];
    assert_eq!(pending(&redis), held, "renewing is no delivery");
    first.renew(&ids(&read)).await.unwrap();
    assert_eq!(pending(&redis), held, "renewing takes nothing back");
}

#[tokio::test]
async fn a_broken_entry_does_not_spoil_its_batch() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 1).await;
    let received = "2026-05-01T12:00:00Z";
    let broken = [
        (vec!["colour", "red"], "`v` is missing"),
        (vec!["v", "2 or 3"], "`v` is not a version: `2 or 3`"),
        (vec!["v", "1", "kind", "?"], "`kind` is not a kind: `?`"),
        (vec!["v", "1", "source", "x", "received_at", "noon", "post", "{}"], "`received_at`"),
        (vec!["v", "1", "source", "x", "received_at", received, "post", "{"], "EOF"),
        (vec!["v", "1", "source", "x", "received_at", received, "post", r#"{"id":"1"}"#], "post.platform"),
        (
            vec![
                "v",
                "1",
                "source",
                "x",
                "received_at",
                received,
                "post",
                r#"{"id":"1","platform":"P","text":"x"}"#,
            ],
            "post.platform",
        ),
        (
            vec![
                "v",
                "1",
                "source",
                "x",
                "received_at",
                received,
                "post",
                r#"{"id":"1","platform":"p","text":"x","created_at":"2027-01-01T00:00:00Z"}"#,
            ],
            "created_at",
        ),
    ];
    for (fields, _) in &broken {
        redis.run(&[&["XADD", "social_posts_stream", "*"], &fields[..]].concat());
    }
    stream.producer().publish(&posts(1..2)).await.unwrap();
    let read = consumer.read(100, SOON).await.unwrap();
    assert_eq!(read.len(), broken.len() + 2);
    let decoded: Vec<_> = read.iter().map(|entry| decode_post(&entry.fields)).collect();
    assert!(decoded.first().unwrap().is_ok() && decoded.last().unwrap().is_ok());
    for ((fields, expected), decoded) in broken.iter().zip(&decoded[1..]) {
        let reason = decoded.as_ref().unwrap_err();
        assert!(reason.contains(expected), "{fields:?}: {reason}");
    }
}

/// Returns the consumer and delivery count of each pending entry.
fn pending(redis: &Redis) -> Vec<(String, String)> {
    let response = redis.run(&["XPENDING", "social_posts_stream", "groundswell", "-", "+", "1000"]);
    let lines: Vec<&str> = response.lines().collect();
    lines.chunks(4).map(|entry| (entry[1].to_owned(), entry[3].to_owned())).collect()
}

#[tokio::test]
async fn entries_for_a_newer_process_stay_pending_unchanged_and_block_nobody() {
    let redis = Redis::start();
    let (stream, first) = ready(&redis, 3).await;
    let add = |fields: &[&str]| redis.run(&[&["XADD", "social_posts_stream", "*"], fields].concat());
    for n in 0..20 {
        add(&["v", "2", "source", "x", "body", &n.to_string()]);
    }
    add(&["v", "1", "kind", "analysis_job", "job", "{}"]);
    stream.producer().publish(&posts(3..6)).await.unwrap();
    let read = first.read(100, SOON).await.unwrap();
    assert_eq!(read.len(), 6, "what it knows, and nothing else");
    // The last of them is abandoned, behind all the unknown entries.
    first.acknowledge(&ids(&read[..5])).await.unwrap();

    let second = stream.consumer().await.unwrap();
    let abandoned = until("what was abandoned is found behind them", async || {
        Some(second.claim(SOON, 2).await.unwrap()).filter(|entries| !entries.is_empty())
    })
    .await;
    assert_eq!((ids(&abandoned), abandoned[0].n_deliveries), (ids(&read[5..]), 2));
    second.acknowledge(&ids(&abandoned)).await.unwrap();
    let waiting = |version: &str, kind: &str, waiting| UnknownEntries {
        version: version.to_owned(),
        kind: kind.to_owned(),
        waiting,
    };
    let all = [waiting("1", "analysis_job", 1), waiting("2", "post", 20)];
    until("they are reported", async || {
        assert!(second.claim(SOON, 2).await.unwrap().is_empty());
        (second.unknown_entries() == all).then_some(())
    })
    .await;
    let untouched = pending(&redis);
    assert_eq!(untouched.len(), 21);
    let is_untouched = |(consumer, n): &(String, String)| consumer == first.name() && n == "1";
    assert!(untouched.iter().all(is_untouched), "{untouched:?}");
    assert_eq!(health(&stream).await, (21, 0, 21, 0), "none is a dead letter");

    // A newer process claims and acknowledges them.
    redis.run(&[
        "XAUTOCLAIM",
        "social_posts_stream",
        "groundswell",
        "newer",
        "0",
        "0",
        "COUNT",
        "100",
        "JUSTID",
    ]);
    assert!(pending(&redis).iter().all(|(consumer, _)| consumer == "newer"));
    let taken = redis.run(&["XRANGE", "social_posts_stream", "-", "+"]);
    let newer: Vec<EntryId> = taken.lines().filter(|line| line.contains('-')).map(EntryId::new).collect();
    assert_eq!(newer.len(), 21);
    second.acknowledge(&newer).await.unwrap();
    until("nothing is reported any more", async || {
        second.claim(SOON, 2).await.unwrap();
        second.unknown_entries().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn dead_lettering_moves_a_whole_entry_and_replaying_restores_it() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 2).await;
    let read = consumer.read(2, SOON).await.unwrap();
    assert_eq!(consumer.note_attempt(&read[0].id).await.unwrap(), 1);
    assert_eq!(consumer.note_attempt(&read[0].id).await.unwrap(), 2);
    assert!(consumer.dead_letter(&request(&read[0].id)).await.unwrap());
    assert!(!consumer.dead_letter(&request(&read[0].id)).await.unwrap(), "an entry is dead-lettered once");
    assert_eq!(health(&stream).await, (1, 0, 1, 1));
    assert_eq!(redis.run(&["EXISTS", "social_posts_attempts"]), "0");

    let letters = stream.dead_letters();
    let page = letters.list(None, 10).await.unwrap();
    let letter = &page.items[0];
    assert_eq!((letter.reason.as_str(), letter.attempts), ("scorer panicked", 3));
    assert_eq!(letter.original_id, read[0].id.as_str());
    assert_eq!(letter.source.as_deref(), Some("http"));

    assert_eq!(letters.replay(&[EntryId::new(letter.id.clone())]).await.unwrap(), 1);
    assert_eq!(health(&stream).await, (2, 1, 1, 0));
    let again = consumer.read(2, SOON).await.unwrap();
    assert_eq!(again[0].fields, read[0].fields);
}

#[tokio::test]
async fn dead_letters_are_listed_by_page_and_replayed_altogether() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 5).await;
    for entry in consumer.read(5, SOON).await.unwrap() {
        consumer.dead_letter(&request(&entry.id)).await.unwrap();
    }
    let letters = stream.dead_letters();
    let first = letters.list(None, 3).await.unwrap();
    let cursor = EntryId::new(first.next_cursor.clone().unwrap());
    let second = letters.list(Some(&cursor), 3).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (3, 2, None));
    assert_eq!(letters.replay_all().await.unwrap(), 5);
    assert_eq!(letters.replay_all().await.unwrap(), 0);
    assert_eq!(health(&stream).await, (5, 5, 0, 0));
}

#[tokio::test]
async fn attempts_are_forgotten_with_the_entry() {
    let redis = Redis::start();
    let (_stream, consumer) = ready(&redis, 1).await;
    let read = consumer.read(1, SOON).await.unwrap();
    consumer.note_attempt(&read[0].id).await.unwrap();
    consumer.acknowledge(&ids(&read)).await.unwrap();
    assert_eq!(redis.run(&["EXISTS", "social_posts_attempts"]), "0");
}

#[tokio::test]
async fn a_group_that_redis_lost_is_created_again() {
    let redis = Redis::start();
    let (stream, consumer) = ready(&redis, 3).await;
    consumer.read(1, SOON).await.unwrap();
    redis.run(&["FLUSHALL"]);
    assert!(consumer.claim(SOON, 10).await.unwrap().is_empty());
    redis.run(&["FLUSHALL"]);
    stream.producer().publish(&posts(7..9)).await.unwrap();
    assert_eq!(consumer.read(10, SOON).await.unwrap().len(), 2);
}

#[tokio::test]
async fn reading_goes_on_after_a_restart_of_redis() {
    let mut redis = Redis::start();
    let (stream, consumer) = ready(&redis, 3).await;
    let read = consumer.read(3, SOON).await.unwrap();
    redis.stop();
    assert!(consumer.read(1, SOON).await.unwrap_err().is_unavailable());
    assert!(consumer.acknowledge(&ids(&read)).await.unwrap_err().is_unavailable());
    redis.restart();
    until("acknowledging works again", async || consumer.acknowledge(&ids(&read)).await.ok()).await;
    until("publishing works again", async || stream.producer().publish(&posts(3..4)).await.ok()).await;
    let more = until("reading works again", async || {
        consumer.read(9, SOON).await.ok().filter(|more| !more.is_empty())
    })
    .await;
    assert_eq!(more.len(), 1);
}

#[tokio::test]
async fn a_consumer_keeps_its_name_while_entries_are_pending() {
    let redis = Redis::start();
    let (stream, busy) = ready(&redis, 2).await;
    let read = busy.read(2, SOON).await.unwrap();
    let idle = stream.consumer().await.unwrap();
    idle.read(1, SOON).await.unwrap();
    busy.disconnect().await.unwrap();
    idle.disconnect().await.unwrap();
    let names = redis.run(&["XINFO", "CONSUMERS", "social_posts_stream", "groundswell"]);
    assert!(names.contains(busy.name()) && !names.contains(idle.name()), "{names}");
    let heir = stream.consumer().await.unwrap();
    assert_eq!(ids(&claimed(&heir).await), ids(&read));
    busy.disconnect().await.unwrap();
    let names = redis.run(&["XINFO", "CONSUMERS", "social_posts_stream", "groundswell"]);
    assert!(!names.contains(busy.name()), "{names}");
}
