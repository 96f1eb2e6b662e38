//! Tests of who receives which frames, live and on replay.

use std::task::{Poll, Waker};
use std::time::Instant;

use jiff::Timestamp;

use super::*;
use crate::actors::messages::SessionId;
use crate::live::frame::Frame;
use crate::live::outbox_batch::Batch;
use crate::models::alert::{Alert, AlertMeasurements, AlertPhase, AlertRule, AlertState, Scope, Severity};
use crate::models::bounded::MaxRate;
use crate::models::id::{AlertId, PostId, ShareLinkId};
use crate::models::live::{AlertChange, Audience, LiveUpdate};
use crate::models::post::{Post, ScoredPost, Source};
use crate::models::principal::Identity;
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::models::subscription::Subscription;

const A: Identity = Identity::LocalOperator;
const B: Identity = Identity::Operator;

fn at(offset: u64) -> FrameId {
    FrameId { epoch: "e".to_owned(), offset }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn alert() -> LiveUpdate {
    let alert = Alert {
        id: AlertId::from_u128(0),
        rule: AlertRule::Churn,
        rule_id: None,
        rule_name: None,
        metric: None,
        scope: Scope::overall(),
        state: AlertState::Open,
        phase: AlertPhase::Firing,
        silenced: false,
        inhibited_by: None,
        flapping: false,
        severity: Severity::Warning,
        title: String::new(),
        value: 0.9,
        threshold: 0.8,
        count: 1,
        measured: AlertMeasurements::default(),
        opened_at: now(),
        updated_at: now(),
        resolved_at: None,
        acknowledged_at: None,
        revision: 0,
        comments: 0,
        assignee: None,
        evidence: None,
        posts: Vec::new(),
    };
    LiveUpdate::Alert { change: AlertChange::Raised, alert: Box::new(alert) }
}

fn post() -> ScoredPost {
    let post = Post {
        uuid: PostId::from_u128(0),
        id: "1".into(),
        platform: "web".into(),
        text: String::new(),
        author: None,
        lang: None,
        created_at: now(),
        received_at: now(),
        original_created_at: None,
        source: Source::new("http"),
        connector: None,
        city: None,
        country: None,
        lat: None,
        lon: None,
        products: Vec::new(),
        topics: Vec::new(),
        channel: None,
        url: None,
        parent_id: None,
        reach: 0,
        engagement: None,
    };
    let sentiment =
        Sentiment { label: SentimentLabel::Negative, score: -0.5, confidence: 0.75, uncertain: false };
    let emotion = Emotion { label: "anger".into(), scores: EmotionScores::default() };
    let model = ModelId { name: "swift".into(), version: "1".into(), hash: "ab".into() }.into();
    let score = Score { sentiment, emotion, toxicity: 0.0, churn_risk: 0.5, virality: 1.0, model };
    ScoredPost { post, score, awaits_correction: false }
}

fn posts(n_posts: usize) -> LiveUpdate {
    let (delta, places) = (Vec::new(), Default::default());
    LiveUpdate::Committed { delta, posts: vec![post(); n_posts], n_posts: wide(n_posts), places }
}

/// Encodes each frame as its id.
fn encode(id: &FrameId, _: LiveFrame<'_>) -> Option<Frame> {
    Some(Frame::new("test", Some(id.to_string().into()), id.offset.to_string().into()))
}

fn replay_buffer() -> ReplayBuffer {
    ReplayBuffer::new(at(0), HistoryLimits::default())
}

/// Session with its outbox.
fn subscriber(id: u64, identity: Identity) -> (Subscriber, Arc<Outbox>) {
    let outbox = Arc::new(Outbox::new(Instant::now()));
    outbox.begin();
    (Subscriber { id: SessionId(id), identity, outbox: Arc::clone(&outbox) }, outbox)
}

fn take(outbox: &Outbox) -> Batch {
    match outbox.poll_batch(&std::task::Context::from_waker(Waker::noop()), usize::MAX) {
        Poll::Ready(batch) => batch,
        Poll::Pending => Batch::default(),
    }
}

fn offsets(outbox: &Outbox) -> Vec<u64> {
    take(outbox).frames.iter().map(|frame| frame.text.parse().unwrap()).collect()
}

/// Appends an update and delivers its frames. Returns their offsets.
fn publish(
    (log, subscribers): (&mut ReplayBuffer, &mut Subscribers),
    (audience, update): (Audience, &LiveUpdate),
) -> Vec<u64> {
    let first = at(log.position().offset + 1);
    let sequenced = SequencedUpdate { first, audience, update: update.clone() };
    assert_eq!(log.continuity(&sequenced), Continuity::Next);
    let events = log.append(&sequenced, 0);
    events
        .map(|logged| {
            subscribers.deliver(logged, "e", encode);
            logged.offset
        })
        .collect()
}

fn missed_by(
    log: &ReplayBuffer,
    since: u64,
    (identity, subscription): (&Identity, &Subscription),
) -> (Vec<u64>, u64) {
    let missed = log.missed(&at(since), Receiver { identity, subscription }).expect("all of it is kept");
    (missed.events.iter().map(|logged| logged.offset).collect(), missed.n_by_rate)
}

/// Every sequence of four updates, each for A, for B or for everyone and with or without frames; every moment at which
/// a client joins; and every position from which it recovers.
#[test]
fn each_client_receives_exactly_its_own_frames_in_order_and_once() {
    const N_UPDATES: u32 = 4;
    let bystander = Identity::ShareHolder(ShareLinkId::now_v7());
    let clients = [A, B, bystander];
    let audiences = [Audience::Everyone, Audience::Only(A), Audience::Only(B)];
    let updates = [alert(), posts(2)];
    let mut letters: Vec<(Audience, &LiveUpdate)> =
        audiences.iter().flat_map(|audience| updates.iter().map(|update| (*audience, update))).collect();
    letters.push((Audience::Everyone, &LiveUpdate::Missed));
    let subscription = Subscription::default();
    let mut n_checked = 0;
    for word in 0..letters.len().pow(N_UPDATES) {
        let word: Vec<_> =
            (0..N_UPDATES).map(|n| letters[word / letters.len().pow(n) % letters.len()]).collect();
        for joins_at in 0..=word.len() {
            let (mut log, mut subscribers) = (replay_buffer(), Subscribers::default());
            let mut own: [Vec<u64>; 3] = Default::default();
            for letter in &word[..joins_at] {
                let offsets = publish((&mut log, &mut subscribers), *letter);
                let receives = own.iter_mut().zip(&clients).filter(|(_, client)| letter.0.includes(client));
                receives.for_each(|(own, _)| own.extend(&offsets));
            }
            for (client, own) in clients.iter().zip(&own) {
                for since in 0..=log.position().offset {
                    let expected: Vec<u64> = own.iter().copied().filter(|offset| *offset > since).collect();
                    let missed = missed_by(&log, since, (client, &subscription));
                    assert_eq!(missed, (expected, 0), "{client:?} after {since} of {word:?}");
                    n_checked += 1;
                }
            }
            let mut own: [Vec<u64>; 3] = Default::default();
            let sessions = [0, 1, 2].map(|n| subscriber(n, clients[n as usize]));
            let outboxes = sessions.map(|(session, outbox)| {
                subscribers.join(session, subscription.clone());
                outbox
            });
            for letter in &word[joins_at..] {
                let offsets = publish((&mut log, &mut subscribers), *letter);
                let receives = own.iter_mut().zip(&clients).filter(|(_, client)| letter.0.includes(client));
                receives.for_each(|(own, _)| own.extend(&offsets));
            }
            assert_eq!(outboxes.map(|outbox| offsets(&outbox)), own, "live after {joins_at} of {word:?}");
        }
    }
    assert!(n_checked > 100_000, "{n_checked} cases");
}

#[test]
fn a_frame_is_encoded_once_for_everyone_and_only_for_those_who_receive_it() {
    let (mut log, mut subscribers) = (replay_buffer(), Subscribers::default());
    let (one, outbox_of_one) = subscriber(1, A);
    let (other, outbox_of_other) = subscriber(2, B);
    subscribers.join(one, Subscription::default());
    subscribers.join(other, Subscription { delta: true, ..Subscription::default() });
    publish((&mut log, &mut subscribers), (Audience::Everyone, &alert()));
    let (of_one, of_other) = (take(&outbox_of_one).frames, take(&outbox_of_other).frames);
    assert_eq!(of_one.len(), 1);
    assert!(Arc::ptr_eq(&of_one[0], &of_other[0]), "two encodings");

    let absent = Audience::Only(Identity::ShareHolder(ShareLinkId::now_v7()));
    let sequenced = SequencedUpdate { first: at(2), audience: absent, update: alert() };
    for logged in log.append(&sequenced, 0) {
        assert_eq!(subscribers.deliver(logged, "e", |_, _| panic!("encoded for nobody")), 0);
    }
}

/// Sessions with the same subscription share a rate limit.
#[test]
fn posts_for_one_client_take_no_permits_of_others() {
    let (mut log, mut subscribers) = (replay_buffer(), Subscribers::default());
    let limited = Subscription { max_rate: Some(MaxRate::try_from(1.0).unwrap()), ..Subscription::default() };
    let (one, outbox_of_one) = subscriber(1, A);
    let (other, outbox_of_other) = subscriber(2, B);
    subscribers.join(one, limited.clone());
    subscribers.join(other, limited.clone());
    publish((&mut log, &mut subscribers), (Audience::Only(A), &posts(3)));
    publish((&mut log, &mut subscribers), (Audience::Everyone, &posts(2)));
    subscribers.report_skipped();
    // Each update begins with an offset without a frame.
    for (outbox, identity, expected) in [(outbox_of_one, A, vec![2, 3, 4, 6]), (outbox_of_other, B, vec![6])]
    {
        let taken = take(&outbox);
        let received: Vec<u64> = taken.frames.iter().map(|frame| frame.text.parse().unwrap()).collect();
        assert_eq!((received, taken.skipped.unwrap().by_rate), (expected.clone(), 1), "{identity} live");
        assert_eq!(missed_by(&log, 0, (&identity, &limited)), (expected, 1), "{identity} on replay");
    }
}
