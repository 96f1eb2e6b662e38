//! Frames for one person reach only that person, in every process, live and on replay.

use groundswell::models::live::{AlertChange, Audience, FrameId, LiveUpdate};
use groundswell::models::principal::Identity;
use groundswell::stream::Updates;
use serde_json::{Value, json};

use crate::recovery::alert;
use crate::support::client::Socket;
use crate::support::{PATIENCE, Space, TestApp};

const TOKEN: &str = "0123456789abcdef";

/// Without a token, every client is the local operator; with one, the operator.
const IDENTITIES: [Identity; 2] = [Identity::LocalOperator, Identity::Operator];

/// Alert as it was published.
struct Published {
    frame: FrameId,
    audience: Audience,
    alert: String,
}

async fn raise(updates: &Updates, audience: Audience) -> Published {
    let alert = alert();
    let id = alert.id.to_string();
    let update = LiveUpdate::Alert { change: AlertChange::Raised, alert: Box::new(alert) };
    Published { frame: updates.publish_to(audience, &update).await.unwrap(), audience, alert: id }
}

/// Returns the alerts that somebody receives who has seen everything up to an offset.
fn own(published: &[Published], identity: Identity, since: u64) -> Vec<String> {
    let own =
        published.iter().filter(|alert| alert.frame.offset > since && alert.audience.includes(&identity));
    own.map(|alert| alert.alert.clone()).collect()
}

/// Reads alerts up to the last one.
async fn alerts_until(socket: &mut Socket, last: &str) -> Vec<String> {
    let mut alerts = Vec::new();
    while alerts.last().is_none_or(|alert| alert != last) {
        let frame = socket.next().await.unwrap();
        if frame["feed"] == "alerts" {
            alerts.push(frame["data"]["id"].as_str().unwrap().to_owned());
        }
    }
    alerts
}

/// Connects to a process with the credentials that it requires.
async fn connect(app: &TestApp, identity: Identity) -> Socket {
    match identity {
        Identity::Operator => app.socket_with_token(TOKEN).await,
        _ => app.socket().await,
    }
}

async fn ticket_of(app: &TestApp) -> String {
    let request = reqwest::Client::new().post(format!("http://{}/api/v1/live/tickets", app.address));
    let answer: Value = request.bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap();
    answer["ticket"].as_str().unwrap().to_owned()
}

/// Reads alerts from an event stream up to the last one.
async fn alerts_of_events(app: &TestApp, since: &FrameId, last: &str) -> Vec<String> {
    let request = reqwest::Client::new().get(format!("http://{}/api/v1/events?feeds=alerts", app.address));
    let request = request.bearer_auth(TOKEN).header("last-event-id", since.to_string());
    let mut answer = request.send().await.unwrap();
    let mut text = String::new();
    while !text.contains(last) || !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(PATIENCE, answer.chunk()).await.expect("nothing comes").unwrap();
        text.push_str(std::str::from_utf8(&chunk.expect("it ended")).unwrap());
    }
    let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = frames.map(|data| serde_json::from_str::<Value>(data).unwrap());
    let alerts = frames.filter(|frame| frame["feed"] == "alerts");
    alerts.map(|frame| frame["data"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn frames_for_one_identity_reach_only_its_clients_in_every_process_live_and_on_replay() {
    let space = Space::new().await;
    let mut open = TestApp::start_on(&space, &[]).await;
    open.leaves_others = true;
    let guarded_options = ["--roles=web", &format!("--auth-token={TOKEN}")];
    let guarded = TestApp::start_on(&space, &guarded_options).await;
    let updates = space.stream().await.updates();
    let mut live = Vec::new();
    for (app, identity) in [&open, &guarded].into_iter().zip(IDENTITIES) {
        live.push((identity, connect(app, identity).await));
    }
    // A ticket carries who requested it to the connection.
    let ticket = ticket_of(&guarded).await;
    live.push((Identity::Operator, guarded.socket_with_ticket(&ticket).await));
    for (_, socket) in &mut live {
        socket.subscribe(&["alerts"]).await;
    }

    let [local_operator, operator] = IDENTITIES.map(Audience::Only);
    let everyone = Audience::Everyone;
    let mut published = Vec::new();
    for audience in [operator, local_operator, everyone, local_operator, operator, operator, everyone] {
        published.push(raise(&updates, audience).await);
    }
    let last = published.last().unwrap().alert.clone();
    for (identity, socket) in &mut live {
        assert_eq!(alerts_until(socket, &last).await, own(&published, *identity, 0), "{identity}");
    }

    // This process knows them only from the history in Redis.
    let late = TestApp::start_on(&space, &guarded_options).await;
    let first = published[0].frame.clone();
    for offset in first.offset - 1..published.last().unwrap().frame.offset {
        let since = FrameId { offset, ..first.clone() };
        for (app, identity) in [(&open, IDENTITIES[0]), (&guarded, IDENTITIES[1]), (&late, IDENTITIES[1])] {
            let mut socket = connect(app, identity).await;
            socket.say(json!({"op": "subscribe", "feeds": ["alerts"], "since": since.to_string()})).await;
            let subscribed = socket.next_of("subscribed").await;
            assert_eq!(subscribed["data"]["recovered"], true, "skipped ids are no gap: {subscribed}");
            let expected = own(&published, identity, offset);
            assert_eq!(alerts_until(&mut socket, &last).await, expected, "{identity} after {since}");
            if identity == Identity::Operator {
                assert_eq!(alerts_of_events(app, &since, &last).await, expected, "events after {since}");
            }
        }
    }
}
