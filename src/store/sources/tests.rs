use super::*;
use crate::models::source::SourceSettings;
use crate::models::source::credentials::Credentials;
use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

fn new(name: &str) -> SourceDraft {
    let new = NewSource {
        network: Network::Bluesky,
        name: name.to_owned(),
        settings: SourceSettings::default(),
        credentials: Credentials::default(),
    };
    SourceDraft { id: SourceId::now_v7(), new, sealed_secret: None, credentials: None }
}

fn source(stored: Stored) -> Source {
    match stored {
        Stored::Source(source) => *source,
        other => panic!("{other:?}"),
    }
}

fn stamp() -> Stamp {
    Stamp { at: now_in_micros(), by: Some("Ana".parse().unwrap()) }
}

fn running() -> SourceReport {
    SourceReport {
        state: SourceState::Running,
        reason: None,
        checkpoint: Some(Checkpoint {
            host: Some("a.example".to_owned()),
            ..Checkpoint::at(now_in_micros())
        }),
        lag_seconds: Some(0.25),
        last_post_at: Some(now_in_micros()),
        counts: SourceCounts { offered: 5, stored: 4, rejected: 1, erased: 0 },
        gaps: Vec::new(),
    }
}

#[tokio::test]
async fn only_the_process_that_holds_a_source_reports_about_it_and_only_while_nobody_changes_it() {
    let store = test_store().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let id = source(create(&store, &new("Sky"), &stamp()).await.unwrap()).id;
    let claimed = claim(&store, first).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.source.id).collect::<Vec<_>>(), [id]);
    assert!(claim(&store, second).await.unwrap().is_empty(), "it is held");
    let run = (id, claimed[0].revision);
    assert!(!report(&store, run, second, &running()).await.unwrap());
    assert!(report(&store, run, first, &running()).await.unwrap());
    // A person has changed the source: the run is over, and its last report has no effect.
    let renamed = SourceChange { name: Some("Bluesky".to_owned()), settings: None };
    change(&store, id, &renamed, &stamp()).await.unwrap();
    assert!(!report(&store, run, first, &running()).await.unwrap());
    let stored = get(&store, id).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.state), ("Bluesky", SourceState::Waiting));
    assert_eq!(stored.counts, running().counts);
    // The lease of a dead process expires.
    execute(&store, "UPDATE sources SET leased_until = now() - interval '1 second'").await;
    let claimed = claim(&store, second).await.unwrap();
    assert!(!report(&store, (id, claimed[0].revision), first, &running()).await.unwrap());
    assert!(report(&store, (id, claimed[0].revision), second, &running()).await.unwrap());
    // A process that stops releases its sources.
    release(&store, second).await.unwrap();
    assert_eq!(claim(&store, first).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_paused_source_is_not_claimed_and_goes_on_from_where_it_was() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    let id = source(create(&store, &new("Sky"), &stamp()).await.unwrap()).id;
    let run = (id, claim(&store, holder).await.unwrap()[0].revision);
    let last = running();
    assert!(report(&store, run, holder, &last).await.unwrap());
    let paused = source(set_paused(&store, id, true, &stamp()).await.unwrap());
    assert_eq!((paused.state, paused.cursor), (SourceState::Paused, last.checkpoint.clone()));
    assert!(claim(&store, holder).await.unwrap().is_empty());
    assert!(!report(&store, run, holder, &last).await.unwrap());
    set_paused(&store, id, false, &stamp()).await.unwrap();
    let resumed = claim(&store, holder).await.unwrap();
    assert_eq!(resumed[0].source.cursor, last.checkpoint);
}

#[tokio::test]
async fn a_source_moves_backwards_only() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    let id = source(create(&store, &new("Sky"), &stamp()).await.unwrap()).id;
    let hours_ago = |hours| now_in_micros() - jiff::SignedDuration::from_hours(hours);
    let begin = hours_ago(3);
    let moved = source(rewind(&store, id, begin, &stamp()).await.unwrap());
    assert_eq!(moved.cursor, Some(Checkpoint::at(begin)));
    let run = (id, claim(&store, holder).await.unwrap()[0].revision);
    assert!(report(&store, run, holder, &running()).await.unwrap());
    let earlier = hours_ago(5);
    let moved = source(rewind(&store, id, earlier, &stamp()).await.unwrap());
    assert_eq!(moved.cursor, Some(Checkpoint::at(earlier)));
    let kept = source(rewind(&store, id, hours_ago(1), &stamp()).await.unwrap());
    assert_eq!(kept.cursor, Some(Checkpoint::at(earlier)));
}

#[tokio::test]
async fn gaps_are_declared_once_and_listed_the_latest_first() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    let id = source(create(&store, &new("Sky"), &stamp()).await.unwrap()).id;
    let run = (id, claim(&store, holder).await.unwrap()[0].revision);
    let now = now_in_micros();
    let gap = |hours| SourceGap {
        from: now - jiff::SignedDuration::from_hours(hours),
        to: now,
        reason: "the host was too far ahead".to_owned(),
    };
    let reported = SourceReport { gaps: vec![gap(9), gap(2)], ..running() };
    assert!(report(&store, run, holder, &reported).await.unwrap());
    assert!(report(&store, run, holder, &SourceReport { gaps: vec![gap(2)], ..running() }).await.unwrap());
    assert_eq!(get(&store, id).await.unwrap().unwrap().gaps, [gap(2), gap(9)]);
    assert!(delete(&store, id).await.unwrap() && !delete(&store, id).await.unwrap());
    assert_eq!(list(&store).await.unwrap(), []);
}

#[tokio::test]
async fn names_are_unique_and_the_cap_on_sources_holds_under_concurrent_creation() {
    let store = test_store().await;
    let id = source(create(&store, &new("Sky"), &stamp()).await.unwrap()).id;
    assert_eq!(create(&store, &new("SKY"), &stamp()).await.unwrap(), Stored::NameTaken);
    let unknown = set_paused(&store, SourceId::now_v7(), true, &stamp()).await.unwrap();
    assert_eq!(unknown, Stored::Unknown);
    assert!(delete(&store, id).await.unwrap());
    let fill = "INSERT INTO sources (id, network, name, settings, state, created_at, updated_at)
        SELECT gen_random_uuid(), 'bluesky', 'n' || n, '{}', 'waiting', now(), now() FROM generate_series(1, 97) AS n";
    execute(&store, fill).await;
    let make = async || match create(&store, &new(&SourceId::now_v7().to_string()), &stamp()).await.unwrap() {
        Stored::Full => None,
        other => Some(source(other)),
    };
    assert_eq!(created_at_once(&store, "sources", make).await, 3);
}

#[tokio::test]
async fn credentials_restart_a_source_and_are_only_for_whoever_runs_it() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    let one = SealedCredentials { sealed: b"one".to_vec(), account: "a".to_owned() };
    let draft = SourceDraft { credentials: Some(one.clone()), ..new("Sky") };
    assert!(source(create(&store, &draft, &stamp()).await.unwrap()).has_credentials);
    let claimed = claim(&store, holder).await.unwrap().pop().unwrap();
    assert_eq!(claimed.credentials.as_ref(), Some(&one));
    // Changes keep the credentials, except a change of the host that they are for.
    let renamed = SourceChange { name: Some("Blue".to_owned()), settings: None };
    assert!(source(change(&store, draft.id, &renamed, &stamp()).await.unwrap()).has_credentials);
    let base_url = Some("https://elsewhere.example".to_owned());
    let moved =
        SourceChange { name: None, settings: Some(SourceSettings { base_url, ..Default::default() }) };
    assert!(!source(change(&store, draft.id, &moved, &stamp()).await.unwrap()).has_credentials);
    let claimed = claim(&store, holder).await.unwrap().pop().unwrap();
    assert_eq!(claimed.credentials, None);
    set_credentials(&store, draft.id, Some(&one), &stamp()).await.unwrap();
    let shares = async |network, id| shares_account(&store, network, (id, "a")).await.unwrap();
    assert!(shares(Network::Bluesky, SourceId::now_v7()).await);
    assert!(!shares(Network::Bluesky, draft.id).await && !shares(Network::Feed, SourceId::now_v7()).await);
    assert!(!source(set_credentials(&store, draft.id, None, &stamp()).await.unwrap()).has_credentials);
    let restarted = claim(&store, holder).await.unwrap().pop().unwrap();
    assert!(restarted.revision > claimed.revision && restarted.credentials.is_none());
    assert_eq!(credentials(&store, draft.id).await.unwrap(), None);
}
