use super::*;

/// Returns an entry with the given number as its id and time, and the given text.
fn entry(number: u32, text: &str) -> Candidate {
    let at = Timestamp::from_second(1_000_000 + i64::from(number)).unwrap();
    let post =
        NewPost { id: number.to_string(), text: text.to_owned(), created_at: Some(at), ..NewPost::default() };
    Candidate {
        key: u64::from(number) + 1,
        alias: None,
        content: text.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte)),
        post: Some(post),
    }
}

fn entries(numbers: impl IntoIterator<Item = u32>) -> Vec<Candidate> {
    numbers.into_iter().map(|number| entry(number, "text")).collect()
}

fn ids(news: &News) -> Vec<&str> {
    news.posts.iter().map(|post| post.id.as_str()).collect()
}

#[test]
fn only_what_is_new_or_edited_is_offered_oldest_first() {
    let mut seen = Seen::default();
    assert_eq!(ids(&seen.take(entries([3, 2, 1]))), ["1", "2", "3"]);
    assert_eq!(ids(&seen.take(entries([5, 4, 3, 2]))), ["4", "5"]);
    assert_eq!(ids(&seen.take(entries([2, 5, 3, 4, 1]))), [""; 0]);
    let mut edited = entries([5, 4, 3]);
    edited[1] = entry(4, "another text");
    assert_eq!(ids(&seen.take(edited.clone())), ["4"]);
    assert_eq!(ids(&seen.take(edited)), [""; 0]);
}

#[test]
fn a_document_without_any_earlier_entry_is_detached() {
    let mut seen = Seen::default();
    assert!(!seen.take(Vec::new()).is_detached);
    assert!(!seen.take(entries(0..10)).is_detached, "nothing was there before");
    assert!(!seen.take(entries(9..20)).is_detached, "one is left");
    assert!(!seen.take(Vec::new()).is_detached, "nothing is there now");
    let news = seen.take(entries(30..40));
    assert!(news.is_detached);
    assert_eq!(news.oldest, entry(30, "").post.unwrap().created_at);
    assert!(!seen.take(entries(30..41)).is_detached);
}

#[test]
fn an_entry_with_a_new_id_is_the_same_unless_the_old_one_is_still_there() {
    let known = |key: u64| Candidate { alias: Some(77), key, ..entry(1, "text") };
    let mut seen = Seen::default();
    assert_eq!(seen.take(vec![known(1)]).posts.len(), 1);
    let news = seen.take(vec![known(2)]);
    assert!(news.posts.is_empty() && !news.is_detached);
    assert_eq!(seen.take(vec![known(2)]).posts.len(), 0);
    // If both are in one document, neither has an alias.
    let both = vec![Candidate { alias: None, ..known(2) }, Candidate { alias: None, ..known(3) }];
    assert_eq!(seen.clone().take(both).posts.len(), 1);
}

#[test]
fn what_cannot_be_read_is_counted_once() {
    let broken = || Candidate { post: None, ..entry(1, "") };
    let mut seen = Seen::default();
    assert_eq!(seen.take(vec![broken()]).n_unreadable, 1);
    assert_eq!(seen.take(vec![broken(), entry(2, "a")]).n_unreadable, 0);
}

#[test]
fn memory_is_bounded_and_the_newest_entries_are_read() {
    let max = u32::try_from(ENTRIES_MAX).unwrap();
    let mut seen = Seen::default();
    let news = seen.take(entries(0..max + 10));
    assert_eq!((news.posts.len(), news.n_unreadable), (ENTRIES_MAX, 10));
    assert_eq!(ids(&news)[0], "10");
    let news = seen.take(entries(0..max + 11));
    assert_eq!((ids(&news), news.n_unreadable), (vec![(max + 10).to_string().as_str()], 0));
    assert_eq!(seen.0.len(), ENTRIES_MAX);
}

#[test]
fn memory_survives_as_text() {
    let mut seen = Seen::default();
    seen.take(vec![Candidate { alias: Some(u64::MAX), ..entry(1, "text") }, entry(2, "text")]);
    assert_eq!(Seen::decode(&seen.encoded()), Some(seen));
    assert_eq!(Seen::decode(""), Some(Seen::default()));
    assert_eq!(Seen::decode("AAAA"), None);
    assert_eq!(Seen::decode("?"), None);
}
