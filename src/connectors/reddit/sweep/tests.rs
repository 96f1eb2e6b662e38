use super::*;
use crate::connectors::reddit::memory::Known;
use crate::connectors::reddit::name::Kind;
use crate::connectors::reddit::schedule::Pace;
use crate::connectors::reddit::thing::Unreadable;
use crate::models::new_post::NewPost;
use crate::models::source::Checkpoint;

const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

const PACE: Pace = Pace {
    interval: Duration::from_secs(10),
    first_look: Duration::from_secs(60),
    last_look: Duration::from_secs(86_400),
    timeout: Duration::from_secs(1),
    n_requests_max: 1_000,
    n_looks_max: 200,
};

fn post(number: u64) -> Name {
    Name { kind: Kind::Post, number }
}

fn known(look_in_s: u64) -> Known {
    let look_at = Some(NOW + Duration::from_secs(look_in_s));
    Known { content: 1, created_at: NOW, look_at, is_missing: false, is_gone: false }
}

fn state_of(n_posts: u64) -> State {
    let mut state = State::at(&Checkpoint::at(NOW), "https://host.example/", "nimbrel".to_owned());
    (0..n_posts).for_each(|number| state.posts.memory.insert(number, known(0)));
    state
}

fn shown(number: u64, content: u32, is_there: bool) -> Result<Thing, Unreadable> {
    let name = post(number);
    let post = NewPost { id: name.to_string(), ..NewPost::default() };
    Ok(Thing { name, created_at: NOW, content, post: Some(post).filter(|_| is_there) })
}

fn look(state: &mut State, things: Vec<Result<Thing, Unreadable>>) -> Taken {
    let asked = due(state, NOW + Duration::from_secs(3_600));
    let page = Page { things, after: None };
    take(state, &asked, (page, Moment { now: NOW, pace: PACE }))
}

fn erased(numbers: &[u64]) -> Vec<Erasure> {
    numbers.iter().map(|number| Erasure::Post(post(*number).to_string())).collect()
}

#[test]
fn what_is_due_soon_is_looked_at_together() {
    let mut state = state_of(0);
    assert_eq!((due_at(&state), due(&state, NOW)), (None, vec![]));
    state.comments.memory.insert(5, known(0));
    state.posts.memory.insert(9, known(30));
    state.posts.memory.insert(8, known(31));
    assert_eq!(due_at(&state), Some(NOW));
    assert_eq!(due(&state, NOW), [post(9), Name { kind: Kind::Comment, number: 5 }]);
    assert_eq!(due(&state_of(150), NOW).len(), PAGE_THINGS_MAX);
}

#[test]
fn what_says_that_it_is_gone_is_erased_at_once_and_what_is_missing_after_two_looks() {
    let mut state = state_of(4);
    let there = |number| shown(number, 1, true);
    let taken = look(&mut state, vec![shown(3, 0, false), there(0), there(2)]);
    assert_eq!((taken.batch.erasures, taken.is_changed), (erased(&[3]), true));
    assert!(state.posts.memory.get(1).unwrap().is_missing);
    assert_eq!(look(&mut state, vec![there(0), there(2)]).batch.erasures, erased(&[1]));
    assert_eq!(look(&mut state, vec![there(0), there(2)]), Taken::default());
    // One that comes back was never gone.
    look(&mut state, vec![there(0)]);
    look(&mut state, vec![there(0), there(2)]);
    assert_eq!(look(&mut state, vec![there(0)]), Taken::default());
}

#[test]
fn an_answer_that_cannot_be_read_is_no_proof() {
    let mut state = state_of(1);
    for _ in 0..3 {
        assert_eq!(look(&mut state, vec![Err(Unreadable { key: 1 })]), Taken::default());
    }
    assert!(!state.posts.memory.get(0).unwrap().is_missing);
}

#[test]
fn an_edit_is_offered_once() {
    let mut state = state_of(2);
    let taken = look(&mut state, vec![shown(0, 1, true), shown(1, 2, true)]);
    assert_eq!(taken.batch.posts.iter().map(|post| post.id.as_str()).collect::<Vec<_>>(), ["t3_1"]);
    assert_eq!(look(&mut state, vec![shown(0, 1, true), shown(1, 2, true)]), Taken::default());
    assert_eq!(due_at(&state), Some(NOW + PACE.first_look));
}
