//! What a process remembers about what identities may do.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use quick_cache::sync::Cache;

use super::patience::OUTAGE_MAX;
use crate::models::plan::Plan;
use crate::models::principal::{Grant, Identity, Principal, Role, Scopes};
use crate::store::credentials::standing::CredentialStanding;

/// What an identity may do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Role of the person, or of the owner of the credential.
    pub role: Role,
    /// Kinds of access that the identity has at most, whatever credential it presents.
    pub scopes: Scopes,
    /// Plan whose limits apply.
    pub plan: Plan,
    /// When the credential expires, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Standing {
    /// Returns the standing of a person with this role, who has all its scopes.
    pub(super) fn of_person(role: Role, plan: Plan) -> Self {
        Self { role, scopes: Scopes::of(role), plan, expires_at: None }
    }

    /// Returns the standing of the operator.
    pub(super) fn unlimited() -> Self {
        Self::of_person(Role::Admin, Plan::Enterprise)
    }

    /// Returns whether the principal has access that this standing does not include.
    pub(super) fn is_less_than(&self, principal: &Principal) -> bool {
        self.role < principal.role || principal.scopes.intersection(self.scopes) != principal.scopes
    }
}

impl From<CredentialStanding> for Standing {
    fn from(CredentialStanding { role, scopes, plan, expires_at }: CredentialStanding) -> Self {
        Self { role, scopes, plan, expires_at }
    }
}

/// Subject of a question: an identity with what it signed in with.
pub(super) type Subject = (Identity, Option<Grant>);

/// Maximum number of answers to remember: more people than use one process within a few seconds.
const ANSWERS_MAX: usize = 10_000;

/// Answer that was remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// What the identity may do; `None` if it may do nothing.
    pub standing: Option<Standing>,
    /// The question that a server answered.
    question: Question,
    /// When a server was last asked, with or without success.
    asked_at: Instant,
}

/// Question to the servers that know what an identity may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    asked_at: Instant,
    /// Number of changes that this process had made by then.
    n_changes: u64,
}

/// Answers by subject.
pub(super) struct Answers {
    answers: Cache<Subject, Answer>,
    /// Number of changes that this process has made. Locked while answers are replaced, so that none that is older than a
    /// change is remembered after it.
    n_changes: Mutex<u64>,
}

impl Answer {
    /// Returns the standing that counts although no server can be asked; `None` if it is too old or was lost.
    pub fn in_outage(&self) -> Option<Standing> {
        let is_recent = self.question.asked_at.elapsed() < OUTAGE_MAX;
        let now = Timestamp::now();
        self.standing.filter(|it| is_recent && it.expires_at.is_none_or(|expires_at| now < expires_at))
    }

    /// Returns how long ago a server was asked.
    pub fn age(&self) -> Duration {
        self.asked_at.elapsed()
    }

    fn is_older_than(&self, question: Question) -> bool {
        self.question.asked_at <= question.asked_at
    }

    fn principal(&self, (identity, grant): Subject) -> Option<Principal> {
        let Standing { role, scopes, plan, .. } = self.standing?;
        Some(Principal { identity, role, scopes, plan, grant })
    }
}

impl Answers {
    /// Creates an empty memory.
    pub fn new() -> Self {
        Self { answers: Cache::new(ANSWERS_MAX), n_changes: Mutex::default() }
    }

    /// Returns the answer about a subject.
    pub fn get(&self, subject: Subject) -> Option<Answer> {
        self.answers.get(&subject)
    }

    /// Begins to ask the servers.
    pub fn question(&self) -> Question {
        Question { asked_at: Instant::now(), n_changes: *self.lock() }
    }

    /// Remembers an answer, unless a newer one is known. An answer to a question from before a change that this process has
    /// made is remembered only if it grants nothing.
    pub fn remember(&self, subject: Subject, question: Question, standing: Option<Standing>) {
        let n_changes = self.lock();
        let is_newest = self.answers.get(&subject).is_none_or(|known| known.is_older_than(question));
        if is_newest && (standing.is_none() || question.n_changes == *n_changes) {
            self.answers.insert(subject, Answer { standing, question, asked_at: question.asked_at });
        }
    }

    /// Keeps requests about a subject from asking again, as if a server had just given the same answer. Has no effect if
    /// the answer is newer than the question that is, or was, asked in vain.
    pub fn pause(&self, subject: Subject, question: Question) {
        let _unchanged = self.lock();
        if let Some(answer) = self.answers.get(&subject).filter(|answer| answer.is_older_than(question)) {
            self.answers.insert(subject, Answer { asked_at: Instant::now(), ..answer });
        }
    }

    /// Removes all answers.
    pub fn forget(&self) {
        let mut n_changes = self.lock();
        *n_changes += 1;
        self.answers.clear();
    }

    /// Removes the answers about principals whose access has ended. The others go on to count, also in an outage.
    pub fn end(&self, is_ended: impl Fn(&Principal) -> bool) {
        let mut n_changes = self.lock();
        *n_changes += 1;
        self.answers.retain(|subject, answer| !answer.principal(*subject).is_some_and(|it| is_ended(&it)));
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.n_changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::{ApiKeyId, UserId};

    fn standing() -> Standing {
        Standing { role: Role::Viewer, scopes: Scopes::all(), plan: Plan::Free, expires_at: None }
    }

    fn subject() -> Subject {
        (Identity::ApiKey(ApiKeyId::now_v7()), None)
    }

    #[test]
    fn an_answer_that_comes_late_replaces_no_newer_one() {
        let (answers, subject) = (Answers::new(), subject());
        let early = answers.question();
        let late = answers.question();
        answers.remember(subject, late, None);
        answers.remember(subject, early, Some(standing()));
        assert_eq!(answers.get(subject).unwrap().standing, None);
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_remembered_after_it() {
        let (answers, subject) = (Answers::new(), subject());
        let before = answers.question();
        answers.forget();
        answers.remember(subject, before, Some(standing()));
        assert!(answers.get(subject).is_none());
        let before = answers.question();
        answers.end(|_| false);
        answers.remember(subject, before, Some(standing()));
        assert!(answers.get(subject).is_none());
    }

    #[test]
    fn only_ended_answers_are_removed_and_late_refusals_count() {
        let (answers, other) = (Answers::new(), subject());
        let user = (Identity::User(UserId::now_v7()), None);
        for subject in [other, user] {
            answers.remember(subject, answers.question(), Some(standing()));
        }
        let before = answers.question();
        answers.end(|principal| principal.identity == user.0);
        assert!(answers.get(user).is_none());
        assert_eq!(answers.get(other).unwrap().in_outage(), Some(standing()));
        answers.remember(other, before, None);
        assert_eq!(answers.get(other).unwrap().standing, None);
    }

    #[test]
    fn a_question_that_fails_late_pauses_no_newer_answer() {
        let (answers, subject) = (Answers::new(), subject());
        let in_vain = answers.question();
        answers.remember(subject, answers.question(), Some(standing()));
        let known = answers.get(subject).unwrap();
        answers.pause(subject, in_vain);
        assert_eq!(answers.get(subject).unwrap().asked_at, known.asked_at);
        answers.pause(subject, answers.question());
        assert!(answers.get(subject).unwrap().asked_at > known.asked_at);
    }
}
