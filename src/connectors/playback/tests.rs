//! Tests of replay, from files to posts, and of delivery to a real Redis.

mod delivering;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::replay::{Replay, ReplayFileParams};
use super::*;

fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn params(file: PathBuf) -> ReplayFileParams {
    ReplayFileParams { file, speed: 1.0, loop_forever: false, run: String::new() }
}

fn items(params: ReplayFileParams, most: usize) -> Vec<Item> {
    let mut replay = Replay::open(params).unwrap();
    std::iter::from_fn(|| replay.next_item().unwrap()).take(most).collect()
}

fn post(item: &Item) -> (&NewPost, Duration) {
    match item {
        Item::Post(timed) => (&timed.post, timed.at),
        Item::Bad { line, rejection } => panic!("line {line}: {rejection:?}"),
    }
}

const TWEETS: &str = "created_at,id,author,retweeted,text\n\
    2017-08-27 00:05:34,1,u7,False,\"Hello, \"\"you\"\" 😃\"\n\
    2017-08-27 00:05:44,2,u4,True,second\n";

#[test]
fn tweets_are_replayed_with_their_distances() {
    let (_folder, path) = file("tweets.csv", TWEETS.as_bytes());
    let read = items(ReplayFileParams { speed: 2.0, ..params(path) }, 9);
    assert_eq!(read.len(), 2);
    let (first, at) = post(&read[0]);
    assert_eq!((first.id.as_str(), first.platform.as_str()), ("1", "twitter"));
    assert_eq!(first.text, "Hello, \"you\" 😃");
    assert_eq!(first.author.as_ref().and_then(|author| author.id.as_deref()), Some("u7"));
    assert_eq!(first.original_created_at, Some("2017-08-27T00:05:34Z".parse().unwrap()));
    assert_eq!((first.created_at, at), (None, Duration::ZERO));
    assert_eq!(post(&read[1]).1, Duration::from_secs(5));
}

#[test]
fn gzip_is_known_by_its_bytes() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(TWEETS.as_bytes()).unwrap();
    let (_folder, path) = file("tweets.txt", &encoder.finish().unwrap());
    assert_eq!(items(params(path), 9).len(), 2);
}

#[test]
fn lines_that_are_not_posts_are_reported_and_skipped() {
    let ndjson = "{\"id\":\"1\",\"platform\":\"p\",\"text\":\"a\"}\n\nnonsense\n\
        {\"id\":\"2\",\"platform\":\"p\"}\r\n{\"id\":\"3\",\"platform\":\"p\",\"text\":\"c\"}";
    let (_folder, path) = file("posts.ndjson", ndjson.as_bytes());
    let reported: Vec<_> = items(params(path), 9)
        .iter()
        .map(|item| match item {
            Item::Post(timed) => (timed.line, "a post"),
            Item::Bad { line, rejection } => (*line, rejection.code),
        })
        .collect();
    assert_eq!(reported, [(1, "a post"), (3, "malformed_json"), (4, "missing_field"), (5, "a post")]);
}

#[test]
fn a_csv_of_posts_may_name_any_field() {
    let csv = "\u{feff}id,platform,text,Followers,city,lat,lon,likes,colour\n7,reddit,hi,12,Lyon,45.7,4.8,3,red\n\
        8,reddit,hi,many,,,,,\n";
    let (_folder, path) = file("posts.csv", csv.as_bytes());
    assert_eq!(Replay::open(params(path.clone())).unwrap().ignored_columns(), ["colour"]);
    let read = items(params(path), 9);
    let (first, _) = post(&read[0]);
    assert_eq!(first.author.as_ref().and_then(|author| author.followers), Some(12));
    assert_eq!(first.geo.as_ref().and_then(|geo| geo.lat), Some(45.7));
    assert_eq!(first.engagement.and_then(|engagement| engagement.likes), Some(3));
    let Item::Bad { line: 3, rejection } = &read[1] else { panic!("{:?}", read[1]) };
    assert_eq!((rejection.code, rejection.field.as_str()), ("wrong_type", "author.followers"));
}

#[test]
fn each_run_and_each_round_has_its_own_ids() {
    let (_folder, path) = file("tweets.csv", TWEETS.as_bytes());
    let ids = |run: &str| -> Vec<String> {
        let looping = ReplayFileParams { loop_forever: true, run: run.to_owned(), ..params(path.clone()) };
        items(looping, 5).iter().map(|item| post(item).0.id.clone()).collect()
    };
    assert_eq!(ids("k3"), ["1~k3", "2~k3", "1~k3.2", "2~k3.2", "1~k3.3"]);
    assert_eq!(ids(""), ["1", "2", "1~2", "2~2", "1~3"]);
}

#[test]
fn time_never_goes_back() {
    let csv = "id,text,created_at\n1,a,2020-01-01T00:00:10Z\n2,b,2020-01-01T00:00:05Z\n3,c,\n4,d,2020-01-01T00:00:12Z\n";
    let (_folder, path) = file("posts.csv", csv.as_bytes());
    let read = items(ReplayFileParams { loop_forever: true, ..params(path) }, 12);
    let times: Vec<_> = read.iter().map(|item| post(item).1).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_file_that_cannot_be_replayed_is_refused_with_the_reason() {
    let refused = |name: &str, bytes: &[u8], why: &str| {
        let (_folder, path) = file(name, bytes);
        let error = Replay::open(params(path)).err().unwrap();
        assert!(format!("{error:#}").contains(why), "{error:#}");
    };
    refused("empty.csv", b"", "is empty");
    refused("notes.txt", b"just some words\n", "column `id`");
    refused("half.csv", b"id,created_at\n1,2\n", "column `text`");
    let (folder, path) = file("tweets.csv", TWEETS.as_bytes());
    assert!(Replay::open(ReplayFileParams { speed: 0.0, ..params(path) }).is_err());
    assert!(Replay::open(params(folder.path().to_owned())).is_err());
    assert!(Replay::open(params(folder.path().join("absent"))).is_err());
}

#[test]
fn a_file_without_posts_does_not_loop_forever() {
    let (_folder, path) = file("posts.ndjson", b"{}\n{}\n");
    let looping = ReplayFileParams { loop_forever: true, ..params(path) };
    assert_eq!(items(looping, 50).len(), 2);
}
