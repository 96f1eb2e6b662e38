use std::sync::Arc;

use super::*;
use crate::connectors::meter::Unmetered;
use crate::egress::Egress;
use crate::egress::allowlist::Allowlist;
use crate::models::source::credentials::Credentials;

const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

fn settings(names: &[&str]) -> SourceSettings {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    SourceSettings { subreddits: Some(names), ..SourceSettings::default() }
}

fn reddit(credentials: Credentials) -> Reddit {
    let egress = Egress::new(Allowlist::default()).unwrap();
    let access = Access { egress, credentials, meter: Arc::new(Unmetered) };
    Reddit::new(access, &settings(&["nimbrel"]), Checkpoint::at(NOW)).unwrap()
}

#[test]
fn subreddits_have_names_as_reddit_gives_them() {
    let check = |names: &[&str], is_usable: bool| {
        assert_eq!(subreddits(&settings(names)).is_ok(), is_usable, "{names:?}");
    };
    check(&["nimbrel"], true);
    check(&["Nimbrel_2", "abc", "de", "123456789012345678901"], true);
    check(&[], false);
    check(&["r/nimbrel"], false);
    check(&["_nimbrel"], false);
    check(&["a"], false);
    check(&["DE"], false);
    check(&["a b"], false);
    check(&["a+b"], false);
    check(&["nimbrél"], false);
    check(&["1234567890123456789012"], false);
    check(&["nimbrel", "Nimbrel"], false);
    let many: Vec<String> = (0..26).map(|number| format!("sub{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check(&many[..25], true);
    check(&many, false);
    assert!(subreddits(&SourceSettings::default()).is_err());
}

#[tokio::test]
async fn without_an_app_it_says_how_to_get_one() {
    let id_only = Credentials { client_id: Some("id".into()), ..Credentials::default() };
    for credentials in [Credentials::default(), id_only] {
        let error = reddit(credentials).next_batch().await.unwrap_err();
        assert_eq!(error.state().as_str(), "needs_key");
        for word in ["Responsible Builder Policy", "https://www.reddit.com/prefs/apps", "secret"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

#[test]
fn listings_and_looks_take_turns() {
    let mut reddit = reddit(Credentials::default());
    assert_eq!(reddit.task(NOW), (Timestamp::MIN, Task::Pass(Kind::Post)));
    reddit.state.posts.due_at = NOW;
    assert_eq!(reddit.task(NOW), (Timestamp::MIN, Task::Pass(Kind::Comment)));
    reddit.state.comments.due_at = NOW;
    let name = Name { kind: Kind::Comment, number: 7 };
    let known =
        memory::Known { content: 1, created_at: NOW, look_at: Some(NOW), is_missing: false, is_gone: false };
    reddit.state.comments.memory.insert(name.number, known);
    assert_eq!(reddit.task(NOW), (NOW, Task::Look(vec![name])));
    reddit.has_looked = true;
    assert_eq!(reddit.task(NOW), (NOW, Task::Pass(Kind::Post)));
    // Looks that are used up wait, and listings go on.
    reddit.has_looked = false;
    reddit.no_looks_before = NOW + Duration::from_secs(300);
    assert_eq!(reddit.task(NOW), (NOW, Task::Pass(Kind::Post)));
    // A pass is finished first.
    reddit.no_looks_before = NOW;
    reddit.state.comments.begin("nimbrel", NOW);
    assert_eq!(reddit.task(NOW), (NOW, Task::Pass(Kind::Comment)));
}
