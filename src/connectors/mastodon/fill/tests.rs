use super::super::status::{Status, Unreadable};
use super::*;

const PAGES_MAX: u32 = 5;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// Returns a status written at the given second, which is also its id.
fn status(second: i64) -> Entry {
    Ok(Status {
        id: (1_000 + second).to_string(),
        uri: format!("https://a.example/{second}"),
        at: at(second),
        edited_at: None,
        in_reply_to: None,
        post: None,
    })
}

fn mark(second: i64) -> Mark {
    Mark { id: (1_000 + second).to_string(), at: at(second) }
}

fn params(last: Option<Mark>, since: i64) -> FillParams {
    FillParams { last, since: at(since), pages_max: PAGES_MAX, has_history: true, now: at(10_000) }
}

/// Returns a page of a timeline with the statuses of these seconds.
fn page(statuses: &[i64], request: &PageRequest) -> Vec<Entry> {
    let bound = |id: &Option<String>| id.as_ref().map(|id| id.parse::<i64>().unwrap() - 1_000);
    let (min, max) = (bound(&request.min_id), bound(&request.max_id));
    let fits = |second: &&i64| min.is_none_or(|min| **second > min) && max.is_none_or(|max| **second < max);
    let matching: Vec<i64> = statuses.iter().filter(fits).copied().collect();
    let mut page: Vec<i64> = match min {
        Some(_) => matching.into_iter().take(request.limit).collect(),
        None => matching.into_iter().rev().take(request.limit).collect(),
    };
    // Always newest first.
    page.sort_by_key(|second| std::cmp::Reverse(*second));
    page.into_iter().map(status).collect()
}

/// Everything that filling a gap yielded.
struct Outcome {
    seconds: Vec<i64>,
    gaps: Vec<(i64, i64)>,
    last: Option<Mark>,
    n_requests: u32,
}

fn fill(params: FillParams, statuses: &[i64]) -> Outcome {
    let mut outcome = Outcome { seconds: Vec::new(), gaps: Vec::new(), last: None, n_requests: 0 };
    let mut fill = Fill::new(params);
    loop {
        outcome.n_requests += 1;
        assert!(outcome.n_requests < 100);
        let filled = fill.take(page(statuses, &fill.request()));
        let second = |at: Timestamp| at.as_second() - 1_700_000_000;
        outcome.seconds.extend(filled.entries.iter().map(|entry| second(entry.as_ref().unwrap().at)));
        outcome.gaps.extend(filled.gap.map(|gap| (second(gap.from), second(gap.to))));
        outcome.last = filled.last.or(outcome.last);
        if filled.is_done {
            return outcome;
        }
    }
}

fn seconds(range: std::ops::Range<i64>) -> Vec<i64> {
    range.collect()
}

#[test]
fn what_follows_a_status_is_read_forward() {
    let outcome = fill(params(Some(mark(9)), 9), &seconds(0..110));
    assert_eq!((outcome.seconds, outcome.last), (seconds(10..110), Some(mark(109))));
    // The fourth page says that there are no more, and the fifth that the instance still has the status from before the
    // gap.
    assert_eq!((outcome.gaps, outcome.n_requests), (vec![], 5));
    let quiet = fill(params(Some(mark(9)), 9), &seconds(0..10));
    assert_eq!((quiet.seconds, quiet.gaps, quiet.last), (vec![], vec![], None));
}

#[test]
fn ids_that_tell_their_time_are_read_again_a_little() {
    assert_eq!(rewound("103206804533200177"), (103_206_804_533_200_177_u64 - (30_000 << 16)).to_string());
    for id in ["1009", "01JDAAAA", "9tqVpVrCLW8GUyFLsm"] {
        assert_eq!(rewound(id), id);
    }
    let id = |second: i64| ((u64::try_from(at(second).as_millisecond()).unwrap() << 16) + 7).to_string();
    let late = |second: i64| {
        let Ok(status) = status(second) else { panic!() };
        Ok(Status { id: id(second), ..status })
    };
    let last = Some(Mark { id: id(100), at: at(100) });
    let mut fill = Fill::new(params(last, 100));
    assert!(fill.request().min_id.unwrap() > id(69) && fill.request().min_id.unwrap() < id(71));
    // A late status is yielded, and the known one completes the gap.
    let filled = fill.take(vec![late(100), late(90)]);
    assert_eq!((filled.entries.len(), filled.last, filled.is_done), (2, None, true));
}

#[test]
fn an_overlap_may_take_several_pages() {
    let id = |n: u64| ((u64::try_from(at(100).as_millisecond()).unwrap() + 100 * n) << 16).to_string();
    let written = |n: u64| {
        let Ok(status) = status(100) else { panic!() };
        Ok(Status { id: id(n), uri: n.to_string(), ..status })
    };
    let all: Vec<Entry> = (0..130).map(written).collect();
    let mut fill = Fill::new(params(Some(Mark { id: id(99), at: at(100) }), 100));
    let mut n_requests = 0;
    let last = loop {
        let min_id = fill.request().min_id.unwrap();
        let after = |entry: &&Entry| by_age(id_of(entry).unwrap(), &min_id).is_gt();
        let filled = fill.take(all.iter().filter(after).take(PAGE_LEN).cloned().collect());
        n_requests += 1;
        if filled.is_done || n_requests == 4 {
            break filled.last;
        }
    };
    assert_eq!((last.map(|mark| mark.id), n_requests), (Some(id(129)), 4));
}

#[test]
fn more_than_can_be_read_is_a_gap_with_bounds() {
    let outcome = fill(params(Some(mark(9)), 9), &seconds(0..1_000));
    let mut expected = seconds(10..210);
    expected.extend(960..1_000);
    assert_eq!((outcome.seconds, outcome.gaps), (expected, vec![(209, 960)]));
    assert_eq!((outcome.last, outcome.n_requests), (Some(mark(999)), PAGES_MAX + 1));
    // The newest page follows directly.
    let outcome = fill(params(Some(mark(9)), 9), &seconds(0..225));
    assert_eq!((outcome.seconds, outcome.gaps), (seconds(10..225), vec![]));
}

#[test]
fn what_follows_a_time_is_read_backward() {
    let outcome = fill(params(None, 50), &seconds(0..200));
    assert_eq!((outcome.seconds, outcome.last), (seconds(50..200), Some(mark(199))));
    assert_eq!((outcome.gaps, outcome.n_requests), (vec![], 4));
    let quiet = fill(params(None, 500), &seconds(0..200));
    assert_eq!((quiet.seconds, quiet.last, quiet.n_requests), (vec![], Some(mark(199)), 1));
    let empty = fill(params(None, 9_000), &[]);
    assert_eq!((empty.seconds, empty.last, empty.gaps), (vec![], None, vec![]));
    let outcome = fill(params(None, 50), &seconds(0..1_000));
    assert_eq!((outcome.seconds, outcome.gaps), (seconds(800..1_000), vec![(50, 800)]));
}

#[test]
fn an_instance_that_has_lost_its_posts_has_a_gap() {
    // Neither the known status nor anything before it is left.
    let outcome = fill(params(Some(mark(9)), 9), &seconds(5_000..5_010));
    assert_eq!((outcome.seconds, outcome.gaps), (seconds(5_000..5_010), vec![(9, 5_000)]));
    // A deleted status proves nothing.
    let outcome = fill(params(Some(mark(9)), 9), &[8, 5_000]);
    assert_eq!((outcome.seconds, outcome.gaps), (vec![5_000], vec![]));
    let outcome = fill(params(None, 9), &seconds(5_000..5_010));
    assert_eq!((outcome.seconds, outcome.gaps), (seconds(5_000..5_010), vec![(9, 5_000)]));
    // A new source has missed nothing, and a hashtag may be new.
    let outcome = fill(params(None, 9_990), &seconds(9_995..10_000));
    assert_eq!((outcome.seconds, outcome.gaps), (seconds(9_995..10_000), vec![]));
    let tag = FillParams { has_history: false, ..params(Some(mark(9)), 9) };
    assert_eq!(fill(tag, &seconds(5_000..5_010)).gaps, vec![]);
}

#[test]
fn a_host_that_answers_the_same_again_and_again_is_left_alone() {
    let mut fill = Fill::new(params(Some(mark(9)), 9));
    let same = || vec![status(20), status(10)];
    assert!(!fill.take(same()).is_done);
    for _ in 0..PAGES_MAX {
        let filled = fill.take(same());
        if filled.is_done {
            return;
        }
    }
    panic!("it asks for ever");
}

#[test]
fn statuses_that_cannot_be_read_neither_end_the_pages_nor_move_the_position() {
    let broken = |id: Option<&str>| Err(Unreadable { key: "#1".to_owned(), id: id.map(str::to_owned) });
    let mut fill = Fill::new(params(Some(mark(9)), 9));
    let filled = fill.take(vec![broken(Some("99999999")), status(11), broken(None)]);
    assert_eq!((filled.entries.len(), filled.last), (3, Some(mark(11))));
    assert_eq!(fill.request().min_id.as_deref(), Some("1011"));
    let filled = fill.take(vec![broken(Some("1013")), broken(Some("1012"))]);
    assert_eq!((filled.last, filled.is_done), (None, false));
    assert_eq!(fill.request().min_id.as_deref(), Some("1013"));
}
