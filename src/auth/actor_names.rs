//! Names under which changes are recorded: of people with accounts, and of credentials.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::patience::ask_briefly;
use crate::models::account::User;
use crate::models::person_name::PersonName;
use crate::models::principal::Identity;
use crate::store::accounts::users;
use crate::store::credentials::{api_keys, clients};
use crate::store::{Store, StoreError};

/// How long a name is remembered. A new name is recorded after that.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Maximum number of names to remember: more than make changes within [`REMEMBERED`].
const NAMES_MAX: usize = 1_000;

/// Looks up the names of principals. Clones share the answers.
#[derive(Clone)]
pub struct ActorNames {
    store: Store,
    names: Arc<Cache<Identity, (Instant, Option<PersonName>)>>,
}

impl ActorNames {
    /// Creates the lookup.
    pub fn new(store: Store) -> Self {
        Self { store, names: Arc::new(Cache::new(NAMES_MAX)) }
    }

    /// Returns the name of a person, API key or client, as of a few seconds ago at most. Returns `None` if it does not
    /// exist, and for the operator and holders of share links, who have no name of their own. While PostgreSQL is
    /// unavailable, or takes longer than two seconds to answer, the last known name counts, or none.
    ///
    /// # Errors
    /// If PostgreSQL refuses to answer.
    pub async fn of(&self, identity: Identity) -> Result<Option<PersonName>, StoreError> {
        if matches!(identity, Identity::Operator | Identity::LocalOperator | Identity::ShareHolder(_)) {
            return Ok(None);
        }
        let remembered = self.names.get(&identity);
        if let Some((at, name)) = &remembered
            && at.elapsed() < REMEMBERED
        {
            return Ok(name.clone());
        }
        if let Some((_, name)) = &remembered {
            // Others go on meanwhile.
            self.names.insert(identity, (Instant::now(), name.clone()));
        }
        let names = self.clone();
        let found = ask_briefly(async move {
            let name = names.look_up(identity).await?;
            names.names.insert(identity, (Instant::now(), name.clone()));
            Ok::<_, StoreError>(name)
        });
        match found.await {
            Some(Err(error)) if !error.is_unavailable() => Err(error),
            Some(Ok(name)) => Ok(name),
            Some(Err(_)) | None => Ok(remembered.and_then(|(_, name)| name)),
        }
    }

    async fn look_up(&self, identity: Identity) -> Result<Option<PersonName>, StoreError> {
        Ok(match identity {
            Identity::User(id) => users::get(&self.store, id).await?.as_ref().and_then(of_user),
            Identity::ApiKey(id) => {
                let key = api_keys::get(&self.store, id).await?;
                key.and_then(|key| PersonName::closest_to(&key.name))
            }
            Identity::Client(id) => {
                let found = clients::find(&self.store, id).await?;
                found.and_then(|found| PersonName::closest_to(&found.client.name))
            }
            Identity::Operator | Identity::LocalOperator | Identity::ShareHolder(_) => None,
        })
    }
}

/// Returns the name of a person: the display name, or else the email address.
fn of_user(user: &User) -> Option<PersonName> {
    user.name.clone().or_else(|| PersonName::closest_to(user.email.as_str()))
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::models::id::{ApiKeyId, ClientId, UserId};
    use crate::models::plan::Plan;
    use crate::models::principal::Role;
    use crate::store::accounts::users::NewUser;
    use crate::store::credentials::testing::{SECRET, client, key};
    use crate::store::testing::{connection, now_in_micros, test_store};

    #[tokio::test]
    async fn a_person_is_named_by_name_or_address_and_the_operator_is_not() {
        let store = test_store().await;
        let names = ActorNames::new(store.clone());
        let mut last = None;
        for (name, expected) in [(Some("Ana Müller"), "Ana Müller"), (None, "bob@example.com")] {
            let email = if name.is_some() { "ana@example.com" } else { "bob@example.com" };
            let new = NewUser {
                email: email.parse().unwrap(),
                name: name.map(|name| name.parse().unwrap()),
                plan: Plan::Free,
                role: Role::Viewer,
                hashed_secret: String::new(),
            };
            let user = users::create(&store, &new, now_in_micros()).await.unwrap().unwrap();
            let found = names.of(Identity::User(user.id)).await.unwrap();
            assert_eq!(found.as_ref().map(PersonName::as_str), Some(expected));
            last = Some(Identity::User(user.id));
        }
        assert_eq!(names.of(Identity::User(UserId::now_v7())).await.unwrap(), None);
        assert_eq!(names.of(Identity::Operator).await.unwrap(), None);
        let (key, client) = (key(None, now_in_micros()), client(Role::Viewer, now_in_micros()));
        assert!(api_keys::create(&store, &key, &SECRET).await.unwrap());
        assert!(clients::create(&store, &client, &SECRET).await.unwrap());
        for (identity, name) in
            [(Identity::ApiKey(key.id), &key.name), (Identity::Client(client.id), &client.name)]
        {
            assert_eq!(
                names.of(identity).await.unwrap().as_ref().map(PersonName::as_str),
                Some(name.as_str())
            );
        }
        // The second answer needs no database, and without one an unknown name does not keep anybody from acting.
        store.close();
        assert!(names.of(last.unwrap()).await.unwrap().is_some());
        assert_eq!(names.of(Identity::Client(ClientId::now_v7())).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_holds_nobody_up_for_long_and_its_answer_counts_late() {
        let store = test_store().await;
        let names = ActorNames::new(store.clone());
        let key = key(None, now_in_micros());
        assert!(api_keys::create(&store, &key, &SECRET).await.unwrap());
        let identity = Identity::ApiKey(key.id);
        let known = names.of(identity).await.unwrap();
        assert!(known.is_some());
        let long_ago = Instant::now().checked_sub(REMEMBERED).unwrap();
        names.names.insert(identity, (long_ago, known.clone()));
        // Queries of keys wait for a lock from now on, until the statements below.
        let holder = connection(&store).await;
        holder.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let unknown = Identity::ApiKey(ApiKeyId::now_v7());
        let (found, not_found) = tokio::join!(names.of(identity), names.of(unknown));
        assert_eq!((found.unwrap(), not_found.unwrap()), (known, None));
        let rename = format!("UPDATE api_keys SET name = 'Download' WHERE id = '{}'", key.id);
        holder.batch_execute(&rename).await.unwrap();
        holder.batch_execute("COMMIT").await.unwrap();
        let counts = async {
            let name = || names.names.get(&identity).and_then(|(_, name)| name);
            while name().is_none_or(|name| name.as_str() != "Download") {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(60), counts).await.expect("the late answer is lost");
    }
}
