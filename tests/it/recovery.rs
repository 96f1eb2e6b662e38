//! Whoever comes back gets exactly what it missed, or is told that it does not.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use groundswell::models::alert::{
    Alert, AlertMeasurements, AlertPhase, AlertRule, AlertState, Scope, Severity,
};
use groundswell::models::id::AlertId;
use groundswell::models::live::{AlertChange, FrameId, LiveUpdate};
use groundswell::stream::{HistoryLimits, Updates};
use jiff::Timestamp;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{PATIENCE, PrivateServers, Space, TestApp, dice, in_soak, posts, redis, until};

/// A client that keeps the newest id and everything it was told, over all its connections.
struct Returning {
    newest: Option<FrameId>,
    /// Ids of posts and alerts, in the order in which they came.
    heard: Vec<u64>,
    alerts: Vec<AlertId>,
    n_recovered: usize,
    n_not_recovered: usize,
    line: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
}

impl Returning {
    fn new() -> Self {
        let (heard, alerts) = (Vec::new(), Vec::new());
        Self { newest: None, heard, alerts, n_recovered: 0, n_not_recovered: 0, line: None }
    }

    /// Comes back with what it has seen, and reads up to the answer.
    async fn connect(&mut self, to: SocketAddr) {
        let (mut line, _) = tokio_tungstenite::connect_async(format!("ws://{to}/ws")).await.unwrap();
        let mut wish = json!({"op": "subscribe", "feeds": ["messages", "alerts", "metrics"]});
        if let Some(newest) = &self.newest {
            wish["since"] = json!(newest.to_string());
        }
        line.send(Message::text(wish.to_string())).await.unwrap();
        self.line = Some(line);
        let answer = loop {
            let frame = self.next().await;
            if frame["event"] == "subscribed" {
                break frame["data"].clone();
            }
        };
        if self.newest.is_some() {
            match answer["recovered"].as_bool().unwrap() {
                true => self.n_recovered += 1,
                false => self.n_not_recovered += 1,
            }
        }
        if self.newest.is_none() || answer["recovered"] == false {
            self.newest = Some(answer["since"].as_str().unwrap().parse().unwrap());
        }
    }

    /// Leaves without a word, as a tunnel does.
    fn vanish(&mut self) {
        self.line = None;
    }

    /// The next frame; news is noted.
    async fn next(&mut self) -> Value {
        let line = self.line.as_mut().unwrap();
        loop {
            let message = tokio::time::timeout(PATIENCE, line.next()).await.expect("nothing comes");
            let Message::Text(text) = message.unwrap().unwrap() else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if let Some(id) = frame["id"].as_str() {
                let id: FrameId = id.parse().unwrap();
                let is_news = frame["feed"] == "messages" || frame["feed"] == "alerts";
                if is_news {
                    self.heard.push(id.offset);
                }
                if frame["feed"] == "alerts" {
                    self.alerts.push(frame["data"]["id"].as_str().unwrap().parse().unwrap());
                }
                let is_newer = self
                    .newest
                    .as_ref()
                    .is_none_or(|newest| newest.epoch != id.epoch || newest.offset < id.offset);
                if is_newer {
                    self.newest = Some(id);
                }
            }
            return frame;
        }
    }

    /// Reads until it has heard of an alert.
    async fn hear_of(&mut self, alert: AlertId) {
        while !self.alerts.contains(&alert) {
            self.next().await;
        }
    }

    /// Everything came once, in order, and nothing is missing of what is kept.
    async fn assert_exact(&self, space: &Space) {
        assert!(
            self.heard.is_sorted_by(|left, right| left < right),
            "twice, or out of order: {:?}",
            self.heard
        );
        let first = *self.heard.first().unwrap();
        let last = *self.heard.last().unwrap();
        let kept = kept_news(space).await;
        let expected: Vec<u64> = kept.range(first..=last).copied().collect();
        let heard: BTreeSet<u64> = self.heard.iter().copied().collect();
        let missing: Vec<&u64> = expected.iter().filter(|offset| !heard.contains(offset)).collect();
        assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), expected.len());
        assert_eq!(self.heard, expected);
    }
}

/// The ids of all posts and alerts that history keeps.
async fn kept_news(space: &Space) -> BTreeSet<u64> {
    let stream = space.stream().await;
    let past = stream.history().after(None).await.unwrap();
    let mut ids = BTreeSet::new();
    for update in past.updates {
        let first = update.sequenced.first.offset;
        match update.sequenced.update {
            LiveUpdate::Committed { posts, .. } => ids.extend((first + 1..).take(posts.len())),
            LiveUpdate::Corrected { posts, .. } => ids.extend((first + 1..).take(posts.len())),
            LiveUpdate::Alert { .. } => ids.extend([first]),
            LiveUpdate::Missed => {}
        }
    }
    stream.close().await;
    ids
}

/// An open alert with a new id.
pub fn alert() -> Alert {
    let now = Timestamp::now();
    Alert {
        id: AlertId::now_v7(),
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
        title: "people are about to leave".to_owned(),
        value: 0.9,
        threshold: 0.8,
        count: 1,
        opened_at: now,
        updated_at: now,
        resolved_at: None,
        acknowledged_at: None,
        revision: 0,
        comments: 0,
        assignee: None,
        measured: AlertMeasurements::default(),
        evidence: None,
        posts: Vec::new(),
    }
}

/// Raises an alert, and answers its name.
async fn raise(updates: &Updates) -> AlertId {
    let alert = alert();
    let id = alert.id;
    updates
        .publish(&LiveUpdate::Alert { change: AlertChange::Raised, alert: Box::new(alert) })
        .await
        .unwrap();
    id
}

async fn settled(app: &TestApp, n_posts: u64) {
    app.space.assert_counted_once(n_posts).await;
}

#[tokio::test]
async fn a_client_that_comes_back_gets_exactly_what_it_missed_also_from_another_process() {
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &["--roles=web"]).await;
    one.leaves_others = true;
    let updates = space.stream().await.updates();
    let mut client = Returning::new();
    client.connect(one.address).await;
    one.publish(posts(0..20)).await;
    settled(&one, 20).await;
    let first = raise(&updates).await;
    client.hear_of(first).await;
    for (n, to) in [(1, one.address), (2, other.address), (3, one.address)] {
        client.vanish();
        one.publish(posts(n * 20..n * 20 + 20)).await;
        settled(&one, n * 20 + 20).await;
        let missed = raise(&updates).await;
        client.connect(to).await;
        let live = raise(&updates).await;
        client.hear_of(live).await;
        assert!(client.alerts.contains(&missed));
        assert_eq!((client.n_recovered as u64, client.n_not_recovered), (n, 0));
        let metrics = loop {
            let frame = client.next().await;
            if frame["feed"] == "metrics" {
                break frame;
            }
        };
        let steps = metrics["data"]["trend"]["items"].as_array().unwrap();
        assert!(steps.iter().any(|step| step["count"].as_u64().unwrap() > 0));
    }
    client.assert_exact(&space).await;
    assert_eq!(client.heard.len(), 80 + 7);
}

#[tokio::test]
async fn what_cannot_be_told_for_certain_is_a_fresh_start() {
    let app = TestApp::start_with(&["--history-updates=3"]).await;
    let limits = HistoryLimits { n_updates_max: 3, ..HistoryLimits::default() };
    let updates = app.space.stream().await.with_history_limits(limits).updates();
    let mut witness = Returning::new();
    witness.connect(app.address).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = raise(&updates).await;
        witness.hear_of(id).await;
        ids.push(witness.newest.clone().unwrap());
    }
    let FrameId { epoch, offset } = ids.last().unwrap().clone();
    let other_epoch = FrameId { epoch: "gone".to_owned(), offset };
    let ahead = FrameId { epoch: epoch.clone(), offset: offset + 1_000 };
    // As far back as is kept, and one further once more has come than is kept.
    for (since, recovered) in [(ids[0].clone(), true), (other_epoch, false), (ahead, false)] {
        let mut client = Returning { newest: Some(since.clone()), ..Returning::new() };
        client.connect(app.address).await;
        assert_eq!(client.n_recovered == 1, recovered, "{since}");
        let first = client.next().await;
        assert_eq!(first["event"] == "alert:churn", recovered, "{since}: {first}");
        if !recovered {
            assert_eq!(first["event"], "metrics:initial");
        }
    }
    // The process that starts next only knows what history kept: three of five.
    for _ in 0..2 {
        raise(&updates).await;
    }
    let late = TestApp::start_on(&app.space, &["--history-updates=3", "--roles=web"]).await;
    for (since, recovered) in [(&ids[0], false), (&ids[1], true)] {
        let mut client = Returning { newest: Some(since.clone()), ..Returning::new() };
        client.connect(late.address).await;
        assert_eq!(client.n_recovered == 1, recovered, "{since}");
    }
}

/// Nothing ever comes after it that would show the gap.
#[tokio::test]
async fn a_message_that_redis_loses_on_its_way_is_still_told_to_those_who_are_connected() {
    let app = TestApp::start().await;
    let updates = app.space.stream().await.updates();
    let mut client = Returning::new();
    client.connect(app.address).await;
    let first = raise(&updates).await;
    client.hear_of(first).await;
    // Counted and kept as by the script, but published to nobody.
    let newest = client.newest.clone().unwrap().offset + 1;
    let lost = alert();
    let update = serde_json::to_string(&json!({"kind": "alert", "change": "raised", "alert": lost})).unwrap();
    let key = |name: &str| format!("{}sentiment_updates:{name}", app.space.prefix);
    let (id, at) = (newest.to_string(), Timestamp::now().as_millisecond().to_string());
    let entry = format!("{id}-0");
    let offset_key = key("offset");
    let counted = [b"SET".as_slice(), offset_key.as_bytes(), id.as_bytes()];
    redis::command(&app.space.redis_url, &counted);
    let history = key("history");
    let kept = ["XADD", &history, &entry, "first", &id, "at", &at, "update", &update].map(str::as_bytes);
    redis::command(&app.space.redis_url, &kept);
    client.hear_of(lost.id).await;
    let next = raise(&updates).await;
    client.hear_of(next).await;
    client.assert_exact(&app.space).await;
}

#[tokio::test]
async fn connections_to_redis_that_break_under_load_lose_nothing_for_those_who_are_connected() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = TestApp::start_on(&space, &[]).await;
    let mut client = Returning::new();
    client.connect(app.address).await;
    let updates = app.space.stream().await.updates();
    for n in 0..20 {
        app.publish(posts(n * 20..n * 20 + 20)).await;
        if n % 4 == 0 {
            redis::command(&app.space.redis_url, &[b"CLIENT", b"KILL", b"TYPE", b"pubsub"]);
        }
        // Whatever happens to the connection, it is published.
        raise(&updates).await;
    }
    settled(&app, 400).await;
    let last = raise(&updates).await;
    client.hear_of(last).await;
    client.assert_exact(&app.space).await;
    assert_eq!(client.alerts.len(), 21);
    drop(app);
    servers.stop().await;
}

/// Every disconnection is sudden, at any moment, and followed by a return to either of two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_disconnections_under_load_lose_no_alert_and_double_none() {
    const N_CLIENTS: usize = 25;
    let n_returns = in_soak(400, 40);
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &["--roles=web"]).await;
    one.leaves_others = true;
    let addresses = [one.address, other.address];
    let updates = space.stream().await.updates();
    let begin = raise(&updates).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for n in 0..N_CLIENTS {
        let (mut client, mut dice) = (Returning::new(), dice(n as u64));
        // From the first alert on, which is in the history: nobody misses the beginning.
        client.connect(addresses[0]).await;
        clients.push(tokio::spawn(async move {
            for _ in 0..n_returns {
                let stay = Duration::from_micros(dice.random_range(0..40_000));
                let at = dice.random_range(0..2);
                let reading = async {
                    loop {
                        client.next().await;
                    }
                };
                let _ = tokio::time::timeout(stay, reading).await;
                client.vanish();
                client.connect(addresses[at]).await;
            }
            client
        }));
    }
    let load = {
        let (is_over, client) = (Arc::clone(&is_over), one.client());
        tokio::spawn(async move {
            let mut n_sent = 0;
            while !is_over.load(Ordering::Acquire) {
                client.publish(posts(n_sent..n_sent + 20)).await;
                n_sent += 20;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            n_sent
        })
    };
    let alerts = {
        let (is_over, updates) = (Arc::clone(&is_over), updates.clone());
        tokio::spawn(async move {
            let mut raised = vec![begin];
            while !is_over.load(Ordering::Acquire) {
                raised.push(raise(&updates).await);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            raised
        })
    };
    let mut back = Vec::new();
    for client in clients {
        back.push(client.await.unwrap());
    }
    is_over.store(true, Ordering::Release);
    let raised = alerts.await.unwrap();
    let n_sent = load.await.unwrap();
    space.assert_counted_once(n_sent).await;
    let last = raise(&updates).await;
    let (mut n_recovered, mut n_alerts) = (0, 0);
    for mut client in back {
        client.hear_of(last).await;
        assert_eq!(client.n_not_recovered, 0, "all of it is kept, so all of it can be told");
        client.assert_exact(&space).await;
        let heard: Vec<AlertId> =
            client.alerts.iter().copied().filter(|id| *id != begin && *id != last).collect();
        let from = raised.iter().position(|id| Some(id) == heard.first()).unwrap();
        assert!(from <= 1 + raised.len() / 10, "it began too late");
        assert_eq!(heard, raised[from..], "alerts were lost or doubled");
        n_recovered += client.n_recovered;
        n_alerts += heard.len();
    }
    assert_eq!(n_recovered, N_CLIENTS * n_returns);
    println!("{n_recovered} disconnections: {n_alerts} alerts told, {n_sent} posts sent, 0 lost, 0 doubled");
    until("the sockets are given back", async || one.system().await.sockets.open <= N_CLIENTS as u64).await;
}
