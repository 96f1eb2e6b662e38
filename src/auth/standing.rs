//! What identities may do right now: a role that is taken away, a session that is ended and an account that is disabled
//! count in every process within seconds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tracing::warn;

use super::AuthError;
use super::open_access::OpenAccess;
use super::patience::{REMEMBERED, ask_briefly};
pub use super::standing_answers::Standing;
use super::standing_answers::{Answers, Subject};
use crate::models::id::{ApiKeyId, ClientId, SessionId, TokenFamilyId, UserId};
use crate::models::plan::Plan;
use crate::models::principal::{Grant, Identity, Principal, Role};
use crate::store::accounts::users::{self, UserStanding};
use crate::store::credentials::standing::{self, ClientStanding, CredentialStanding};
use crate::store::{Store, StoreError};
use crate::stream::{Sessions, StreamError};

/// Answer about one identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It may do this.
    Stands(Standing),
    /// It may do nothing: it is gone, disabled or signed out.
    Lost,
    /// The server that knows could not be asked.
    Unknown,
}

/// Looks up what identities may do. Clones share the answers.
#[derive(Clone)]
pub struct Standings {
    store: Store,
    sessions: Sessions,
    open: OpenAccess,
    answers: Arc<Answers>,
}

/// Records of some subjects in PostgreSQL and Redis. A server that cannot be asked is an error here.
struct SubjectRecords {
    users: Result<HashMap<UserId, UserStanding>, StoreError>,
    sessions: Result<HashSet<SessionId>, StreamError>,
    credentials: Result<CredentialRecords, StoreError>,
}

/// Records of credentials of programs in PostgreSQL.
#[derive(Default)]
struct CredentialRecords {
    keys: HashMap<ApiKeyId, CredentialStanding>,
    clients: HashMap<ClientId, ClientStanding>,
    families: HashMap<TokenFamilyId, UserId>,
}

impl Standings {
    /// Creates the lookup.
    pub fn new(store: Store, sessions: Sessions, open: OpenAccess) -> Self {
        Self { store, sessions, open, answers: Arc::new(Answers::new()) }
    }

    /// Returns what the identity may do, as of at most four seconds ago; `None` if it may do nothing. While the server that
    /// knows cannot be asked, or takes longer than two seconds to answer, the last answer counts, for at most
    /// [`OUTAGE_MAX`](super::patience::OUTAGE_MAX).
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, and did not answer before.
    pub async fn of(&self, identity: Identity, grant: Option<Grant>) -> Result<Option<Standing>, AuthError> {
        let subject = (identity, grant);
        let Some(answer) = self.answers.get(subject) else { return self.renew(subject).await };
        if answer.age() < REMEMBERED {
            return Ok(answer.standing);
        }
        let Some(standing) = answer.in_outage() else { return self.renew(subject).await };
        // Other requests go on meanwhile.
        self.answers.pause(subject, self.answers.question());
        let standings = self.clone();
        let renewed = ask_briefly(async move { standings.renew(subject).await }).await;
        renewed.unwrap_or(Ok(Some(standing)))
    }

    /// Asks what the identity may do, and remembers the answer.
    async fn renew(&self, subject: Subject) -> Result<Option<Standing>, AuthError> {
        let question = self.answers.question();
        let records = self.ask(&[subject]).await;
        let standing = match self.verdict(subject, &records) {
            Verdict::Stands(standing) => Some(standing),
            Verdict::Lost => None,
            Verdict::Unknown => {
                if let Some(standing) = self.answers.get(subject).and_then(|answer| answer.in_outage()) {
                    self.answers.pause(subject, question);
                    return Ok(Some(standing));
                }
                records.users?;
                records.sessions?;
                records.credentials?;
                None
            }
        };
        self.answers.remember(subject, question, standing);
        Ok(standing)
    }

    /// Returns those of the principals that may no longer do what they could. If a server cannot be asked, the
    /// principals that it knows keep their access.
    pub async fn lost(&self, principals: &[Principal]) -> HashSet<Principal> {
        let subjects: HashSet<Subject> = principals.iter().map(|it| (it.identity, it.grant)).collect();
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        let records = self.ask(&subjects).await;
        if let Err(error) = &records.users {
            warn!(%error, "cannot check the accounts of open connections");
        }
        if let Err(error) = &records.sessions {
            warn!(%error, "cannot check the sessions of open connections");
        }
        if let Err(error) = &records.credentials {
            warn!(%error, "cannot check the keys and clients of open connections");
        }
        let is_lost =
            |principal: &Principal| match self.verdict((principal.identity, principal.grant), &records) {
                Verdict::Stands(standing) => standing.is_less_than(principal),
                Verdict::Lost => true,
                Verdict::Unknown => false,
            };
        principals.iter().filter(|principal| is_lost(principal)).copied().collect()
    }

    /// Forgets all answers, so that a change made by this process counts in it at once.
    pub fn forget(&self) {
        self.answers.forget();
    }

    /// Forgets the principals whose access this process has ended. Others go on, also while PostgreSQL is away.
    pub fn end(&self, is_ended: impl Fn(&Principal) -> bool) {
        self.answers.end(is_ended);
    }

    /// Asks each server once about all subjects.
    async fn ask(&self, subjects: &[Subject]) -> SubjectRecords {
        let users: HashSet<UserId> = subjects
            .iter()
            .filter_map(|(identity, _)| if let Identity::User(id) = identity { Some(*id) } else { None })
            .collect();
        let sessions: HashSet<SessionId> = subjects
            .iter()
            .filter_map(|(_, grant)| if let Some(Grant::Session(id)) = grant { Some(*id) } else { None })
            .collect();
        let (users, sessions): (Vec<UserId>, Vec<SessionId>) =
            (users.into_iter().collect(), sessions.into_iter().collect());
        let (users, sessions, credentials) = tokio::join!(
            users::standings(&self.store, &users),
            self.sessions.living(&sessions),
            self.ask_credentials(subjects)
        );
        SubjectRecords { users, sessions, credentials }
    }

    /// Asks about the credentials of programs: at most one query per kind, and none for kinds that do not occur.
    async fn ask_credentials(&self, subjects: &[Subject]) -> Result<CredentialRecords, StoreError> {
        let (mut keys, mut clients, mut families) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (identity, grant) in subjects {
            match identity {
                Identity::ApiKey(id) => drop(keys.insert(*id)),
                Identity::Client(id) => drop(clients.insert(*id)),
                _ => {}
            }
            if let Some(Grant::TokenFamily(id)) = grant {
                families.insert(*id);
            }
        }
        let now = Timestamp::now();
        let mut records = CredentialRecords::default();
        if !keys.is_empty() {
            let keys: Vec<ApiKeyId> = keys.into_iter().collect();
            records.keys = standing::of_keys(&self.store, &keys, now).await?;
        }
        if !clients.is_empty() {
            let clients: Vec<ClientId> = clients.into_iter().collect();
            records.clients = standing::of_clients(&self.store, &clients, now).await?;
        }
        if !families.is_empty() {
            let families: Vec<TokenFamilyId> = families.into_iter().collect();
            records.families = standing::of_families(&self.store, &families, now).await?;
        }
        Ok(records)
    }

    fn verdict(&self, (identity, grant): Subject, records: &SubjectRecords) -> Verdict {
        let verdict = match identity {
            Identity::Operator => Verdict::Stands(Standing::unlimited()),
            Identity::LocalOperator if self.open.is_open() => Verdict::Stands(Standing::unlimited()),
            Identity::LocalOperator => Verdict::Lost,
            // Each request looks its link up.
            Identity::ShareHolder(_) => Verdict::Stands(Standing::of_person(Role::Viewer, Plan::Free)),
            Identity::User(id) => match &records.users {
                Err(_) => Verdict::Unknown,
                Ok(users) => users
                    .get(&id)
                    .map_or(Verdict::Lost, |user| Verdict::Stands(Standing::of_person(user.role, user.plan))),
            },
            Identity::ApiKey(id) => of_credential(records, |records| records.keys.get(&id)),
            Identity::Client(id) => {
                of_credential(records, |records| records.clients.get(&id).map(|client| &client.standing))
            }
        };
        let grant = match grant {
            None => return verdict,
            Some(Grant::Session(id)) => match &records.sessions {
                Err(_) => Verdict::Unknown,
                Ok(sessions) if sessions.contains(&id) => return verdict,
                Ok(_) => Verdict::Lost,
            },
            Some(Grant::TokenFamily(id)) => match &records.credentials {
                Err(_) => Verdict::Unknown,
                Ok(records)
                    if records.families.get(&id).map(|user| Identity::User(*user)) == Some(identity) =>
                {
                    return verdict;
                }
                Ok(_) => Verdict::Lost,
            },
            Some(Grant::ClientSecret(secret)) => match &records.credentials {
                Err(_) => Verdict::Unknown,
                Ok(records) => {
                    let Identity::Client(id) = identity else { return Verdict::Lost };
                    let client = records.clients.get(&id);
                    if client.is_some_and(|client| client.secrets.contains(&secret)) {
                        return verdict;
                    }
                    Verdict::Lost
                }
            },
        };
        if verdict == Verdict::Lost { verdict } else { grant }
    }
}

fn of_credential(
    records: &SubjectRecords,
    find: impl FnOnce(&CredentialRecords) -> Option<&CredentialStanding>,
) -> Verdict {
    match &records.credentials {
        Err(_) => Verdict::Unknown,
        Ok(records) => find(records).map_or(Verdict::Lost, |standing| Verdict::Stands((*standing).into())),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use futures_util::poll;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::store::credentials::api_keys;
    use crate::store::credentials::testing::{SECRET, key};
    use crate::store::testing::{connection, now_in_micros, test_store};
    use crate::stream::tests::redis::Redis;

    #[tokio::test]
    async fn a_database_that_does_not_answer_holds_up_one_request_and_its_answer_counts_late() {
        let (store, redis) = (test_store().await, Redis::start());
        let sessions = redis.connect().await.sessions();
        let standings = Standings::new(store.clone(), sessions, OpenAccess::new(store.clone(), false));
        let key = key(None, now_in_micros());
        assert!(api_keys::create(&store, &key, &SECRET).await.unwrap());
        let subject = (Identity::ApiKey(key.id), None);
        let of = || standings.of(subject.0, subject.1);
        let known = of().await.unwrap();
        assert!(known.is_some());
        // Queries of keys wait for a lock from now on.
        let holder = connection(&store).await;
        holder.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
        sleep(REMEMBERED).await;
        let mut first = Box::pin(of());
        assert!(poll!(&mut first).is_pending());
        let paused = standings.answers.get(subject).unwrap();
        let others = poll!(pin!(of()));
        assert!(matches!(others, Poll::Ready(Ok(standing)) if standing == known), "others ask as well");
        assert_eq!(first.await.unwrap(), known);
        let now = standings.answers.get(subject).unwrap();
        assert_eq!(format!("{now:?}"), format!("{paused:?}"), "it waited until the question failed");
        let revoke = format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{}'", key.id);
        holder.batch_execute(&revoke).await.unwrap();
        holder.batch_execute("COMMIT").await.unwrap();
        let counts = async {
            while standings.answers.get(subject).is_some_and(|answer| answer.standing.is_some()) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(60), counts).await.expect("the late answer is lost");
    }
}
