//! People with accounts, who have signed in.

use groundswell::models::account::User;
use groundswell::models::plan::Plan;
use groundswell::models::principal::Role;
use groundswell::models::session::Session;
use groundswell::store::Store;
use groundswell::store::accounts::users::{self, NewUser};
use groundswell::stream::{NewSession, Stream};
use jiff::Timestamp;
use uuid::Uuid;

/// A person with a session.
pub struct Person {
    /// The account.
    pub user: User,
    /// The session.
    pub session: Session,
    /// Value of the session's cookie.
    pub cookie: String,
}

impl Person {
    /// Creates an account, with a password that nobody has, and a session.
    pub async fn new(store: &Store, stream: &Stream, role: Role) -> Self {
        let new = NewUser {
            email: format!("{}@example.com", Uuid::now_v7().simple()).parse().unwrap(),
            name: None,
            plan: Plan::Free,
            role,
            hashed_secret: "none".to_owned(),
        };
        let user = users::create(store, &new, Timestamp::now()).await.unwrap().unwrap();
        Self::sign_in(user, stream, Timestamp::now()).await
    }

    /// Begins a session of an account at this time.
    pub async fn sign_in(user: User, stream: &Stream, at: Timestamp) -> Self {
        let new = NewSession { user: user.id, address: None, agent: None };
        let (session, cookie) = stream.sessions().begin(new, at).await.unwrap();
        Self { user, session, cookie }
    }
}
