use super::*;
use crate::connectors::reddit::name::Name;
use crate::models::new_post::NewPost;

const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

const PACE: Pace = Pace {
    interval: Duration::from_secs(10),
    first_look: Duration::from_secs(60),
    last_look: Duration::from_secs(86_400),
    timeout: Duration::from_secs(1),
    n_requests_max: 1_000,
    n_looks_max: 200,
};

const MOMENT: Moment = Moment { now: NOW, pace: PACE };

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// Returns a post of a minute, which is also its number and its age: the smaller, the newer.
fn thing(age: u64) -> Result<Thing, Unreadable> {
    let name = Name { kind: Kind::Post, number: age };
    let created_at = NOW - minutes(i64::try_from(age).unwrap());
    let post = NewPost {
        id: name.to_string(),
        created_at: Some(created_at),
        text: "t".into(),
        ..NewPost::default()
    };
    Ok(Thing { name, created_at, content: 1, post: Some(post) })
}

fn page(things: impl IntoIterator<Item = Result<Thing, Unreadable>>, has_more: bool) -> Page {
    let things: Vec<_> = things.into_iter().collect();
    let last = things.iter().flatten().next_back().map(|thing| thing.name.to_string());
    Page { things, after: last.filter(|_| has_more) }
}

fn ages(ages: impl IntoIterator<Item = u64>, has_more: bool) -> Page {
    page(ages.into_iter().map(thing), has_more)
}

fn pass(listing: &mut Listing, page: Page) -> Taken {
    listing.begin("nimbrel", NOW);
    listing.take(page, MOMENT)
}

/// Takes the ten pages of a full listing.
fn pass_all(listing: &mut Listing, thing: impl Fn(u64) -> Result<Thing, Unreadable>) -> Taken {
    for n in 0..9 {
        assert_eq!(pass(listing, page((n * 100..n * 100 + 100).map(&thing), true)), Taken::default());
    }
    pass(listing, page((900..1_000).map(&thing), false))
}

/// Returns the ages of what is offered.
fn offered(taken: &Taken) -> Vec<u64> {
    let number = |post: &NewPost| Name::read(&post.id).unwrap().number;
    taken.batch.posts.iter().map(number).collect()
}

fn after(age: i64) -> Listing {
    Listing::after(Kind::Post, NOW - minutes(age))
}

#[test]
fn a_new_source_begins_at_its_creation_and_offers_everything_once() {
    let mut listing = after(10);
    let taken = pass(&mut listing, ages([1, 5, 9, 11, 100, 1_000, 1_001], true));
    assert_eq!(offered(&taken), [11, 9, 5, 1], "the oldest first, and a little more than asked for");
    assert_eq!((taken.batch.lag, taken.is_changed), (Some(Duration::from_secs(60)), true));
    assert!(!listing.is_passing());
    let taken = pass(&mut listing, ages([0, 1, 5, 9, 11, 100, 1_000], true));
    assert_eq!(offered(&taken), [0]);
    // A shorter page, and one to which an old post moved up because another is gone.
    assert_eq!(pass(&mut listing, ages([0, 1, 5], true)), Taken::default());
    assert_eq!(pass(&mut listing, ages([0, 5, 9, 11, 100, 1_000, 2_000], true)), Taken::default());
}

#[test]
fn a_pass_ends_where_an_earlier_one_began_and_offers_nothing_before() {
    let mut listing = after(10);
    pass(&mut listing, ages([6, 7, 8, 100], false));
    let mut requests = Vec::new();
    for things in [[0, 1], [2, 3], [4, 5]] {
        let request = listing.begin("nimbrel", NOW);
        requests.push(request.after);
        assert_eq!(listing.take(ages(things, true), MOMENT), Taken::default());
        assert!(listing.is_passing());
    }
    assert_eq!(requests, [None, Some("t3_1".to_owned()), Some("t3_3".to_owned())]);
    let taken = pass(&mut listing, ages([6, 7, 8], true));
    assert_eq!((offered(&taken), &taken.batch.gap), (vec![5, 4, 3, 2, 1, 0], &None));
    assert_eq!((listing.floor, listing.passed_at), (NOW, Some(NOW)));
}

#[test]
fn an_old_post_that_is_listed_late_is_offered_and_ends_no_pass() {
    let mut listing = after(10);
    pass(&mut listing, ages([6, 7, 8, 100], false));
    // On the first page, it is the only one that is old.
    assert_eq!(pass(&mut listing, ages([3_000, 1, 2, 4_000], true)), Taken::default());
    let taken = pass(&mut listing, ages([6, 7, 8], true));
    assert_eq!(offered(&taken), [4_000, 2, 1, 3_000]);
}

#[test]
fn what_reddit_no_longer_lists_is_a_gap_that_is_declared_once() {
    let mut listing = after(5_000);
    let taken = pass_all(&mut listing, thing);
    assert_eq!(taken.batch.posts.len(), 1_000);
    let gap = taken.batch.gap.unwrap();
    assert_eq!((gap.from, gap.to), (NOW - minutes(5_000), NOW - minutes(999)));
    assert_eq!(pass(&mut listing, ages(0..100, true)), Taken::default());
    // A subreddit with fewer posts simply begins there.
    let mut listing = after(5_000);
    let taken = pass(&mut listing, ages(0..99, false));
    assert_eq!((taken.batch.posts.len(), taken.batch.gap), (99, None));
}

#[test]
fn a_gap_begins_with_the_last_pass_even_if_nothing_was_written_for_long() {
    let mut listing = after(9_000);
    pass(&mut listing, ages([8_000, 8_001, 8_002, 9_500], false));
    assert_eq!(listing.heard_until(), NOW - minutes(2));
    let new = |n: u64| {
        let Ok(thing) = thing(0) else { panic!() };
        Ok(Thing { name: Name { kind: Kind::Post, number: 100_000 + n }, ..thing })
    };
    let gap = pass_all(&mut listing, new).batch.gap.unwrap();
    assert_eq!((gap.from, gap.to), (NOW - minutes(2), NOW));
}

#[test]
fn a_page_after_something_that_is_gone_is_asked_for_by_what_is_before_it() {
    let mut listing = after(100);
    let nothing = || ages([], false);
    assert_eq!(pass(&mut listing, ages([0, 1, 2, 3], true)), Taken::default());
    for anchor in ["t3_3", "t3_2"] {
        assert_eq!(listing.begin("nimbrel", NOW).after.as_deref(), Some(anchor));
        assert_eq!(listing.take(nothing(), MOMENT), Taken::default());
    }
    assert_eq!(listing.begin("nimbrel", NOW).after.as_deref(), Some("t3_1"));
    assert_eq!(offered(&listing.take(ages([4, 5], false), MOMENT)), [5, 4, 3, 2, 1, 0]);
    // If all are gone, nothing counts as heard.
    let mut listing = after(100);
    pass(&mut listing, ages([0, 1], true));
    for _ in 0..2 {
        assert_eq!(pass(&mut listing, nothing()), Taken::default());
    }
    assert_eq!((listing.is_passing(), listing.floor), (false, NOW - minutes(100)));
    assert_eq!(listing.due_at, NOW + PACE.interval);
}

#[test]
fn edits_are_offered_and_deletions_are_looked_at() {
    let mut listing = after(10);
    let told = |age: u64, content: u32, is_gone: bool| {
        let Ok(thing) = thing(age) else { panic!() };
        page([Ok(Thing { content, post: thing.post.filter(|_| !is_gone), ..thing })], false)
    };
    pass(&mut listing, told(1, 1, false));
    assert_eq!(offered(&pass(&mut listing, told(1, 2, false))), [1]);
    assert_eq!(pass(&mut listing, told(1, 2, false)), Taken::default());
    listing.memory.get_mut(1).unwrap().look_at = Some(NOW + minutes(60));
    assert_eq!(pass(&mut listing, told(1, 0, true)), Taken::default());
    assert_eq!(listing.memory.get(1).unwrap().look_at, Some(NOW));
    // A page from a cache brings back nothing that was erased.
    listing.memory.get_mut(1).unwrap().is_gone = true;
    assert_eq!(pass(&mut listing, told(1, 3, false)), Taken::default());
}

#[test]
fn what_cannot_be_read_is_counted_once_and_limits_vary() {
    let mut listing = after(10);
    let broken = |key| page([Err(Unreadable { key })], false);
    assert_eq!(pass(&mut listing, broken(1)).batch.n_unreadable, 1);
    assert_eq!(pass(&mut listing, broken(1)).batch.n_unreadable, 0);
    assert_eq!(pass(&mut listing, broken(2)).batch.n_unreadable, 1);
    let mut limits: Vec<usize> = (0..N_LIMITS)
        .map(|_| {
            let limit = listing.begin("nimbrel", NOW).limit;
            listing.take(ages([], false), MOMENT);
            limit
        })
        .collect();
    limits.sort_unstable();
    assert_eq!(limits, (71..=100).collect::<Vec<_>>());
}
