//! `groundswell users`: manages accounts in the database of the running server, for people with access to the machine.

use std::io::{IsTerminal as _, Read as _, stdin, stdout};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use nix::unistd::Uid;
use serde_json::Map;

use super::server_key;
use super::target::Target;
use crate::auth::audit::auditor::record_alone;
use crate::auth::audit::entry::Entry;
use crate::auth::audit::keys::AuditKeys;
use crate::auth::password::{self, PASSWORD_CHARS_MAX, PasswordHasher};
use crate::config::Secret;
use crate::config::notify::secret_key;
use crate::embedded::RunInfo;
use crate::models::account::{Email, User};
use crate::models::account_change::UserChange;
use crate::models::audit::{Action, AuditActor};
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::store::accounts::administration::{self, Change};
use crate::store::accounts::passwords;
use crate::store::accounts::users::{self, NewUser};
use crate::store::{Store, StoreParams};

/// Subcommands of `groundswell users`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum UsersCommand {
    /// Create an account
    Create {
        /// Address with which the person signs in
        email: Email,
        /// What the person may do: viewer, analyst or admin
        #[arg(long, value_parser = role)]
        role: Role,
        /// Plan of the account: free, pro or enterprise
        #[arg(long, value_parser = plan, default_value = "free")]
        plan: Plan,
        /// Display name
        #[arg(long)]
        name: Option<PersonName>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// List accounts: as text on a terminal, and otherwise as JSON lines
    List {
        #[command(flatten)]
        database: Database,
    },
    /// Keep a person from signing in, and end what they have open
    Disable {
        /// Address of the account
        email: Email,
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Let a person sign in again
    Enable {
        /// Address of the account
        email: Email,
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Set the password of a person, and end their sessions
    Passwd {
        /// Address of the account
        email: Email,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        key: KeyArgs,
    },
}

/// Option that says where the password comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct PasswordArgs {
    /// Read the password from standard input, so that it appears neither in the history of the shell nor in a list of
    /// processes
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// Option that names the key with which the entry in the audit log is sealed.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyArgs {
    /// Secret key of the server, which seals the entry in the audit log; by default, the one in the file secret.key in the
    /// data directory
    #[arg(long, env = "GROUNDSWELL_SECRET_KEY", hide_env_values = true, value_parser = secret_key)]
    secret_key: Option<Secret>,
}

/// Options that locate the servers behind the running server.
#[derive(Debug, Clone, clap::Args)]
pub struct Database {
    /// URL of the PostgreSQL with the accounts; by default, the one used by the server running on the data directory
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<Secret>,
    #[command(flatten)]
    target: Target,
}

/// Accounts, and the audit log in which changes to them are recorded.
struct Changes<'a> {
    database: &'a Database,
    store: Store,
    keys: AuditKeys,
}

/// Runs a command.
///
/// # Errors
/// If the servers or the secret key cannot be reached, the account does not exist or exists already, or the password is
/// refused. Without the key nothing is changed, because the change could not be recorded.
pub async fn run(command: UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::Create { email, role, plan, name, password: _, database, key } => {
            let changes = Changes::open(&database, &key).await?;
            if role != Role::Admin && !users::exist(&changes.store).await? {
                bail!(
                    "the first account must be an admin, because only an admin can manage the others: use --role admin"
                );
            }
            let hashed_secret = hashed(&email).await?;
            let new = NewUser { email, name, plan, role, hashed_secret };
            let created = users::create(&changes.store, &new, Timestamp::now()).await?;
            let user =
                created.with_context(|| format!("there is an account with `{}` already", new.email))?;
            changes.record(Action::UserCreated, &user, [("after", &user)]).await?;
            show(&user)
        }
        UsersCommand::List { database } => {
            users::list(&database.store().await?).await?.iter().try_for_each(show)
        }
        UsersCommand::Disable { email, database, key } => {
            Changes::open(&database, &key).await?.set_active(&email, false).await
        }
        UsersCommand::Enable { email, database, key } => {
            Changes::open(&database, &key).await?.set_active(&email, true).await
        }
        UsersCommand::Passwd { email, password: _, database, key } => {
            let changes = Changes::open(&database, &key).await?;
            let user = changes.find(&email).await?;
            let hash = hashed(&email).await?;
            passwords::set(&changes.store, user.id, &hash, Timestamp::now()).await?;
            changes.record(Action::PasswordChanged, &user, []).await?;
            changes.end_sessions(&user).await?;
            show(&user)
        }
    }
}

impl Database {
    async fn store(&self) -> anyhow::Result<Store> {
        let url = match &self.database_url {
            Some(url) => url.expose().to_owned(),
            None => {
                RunInfo::read(&self.target.data_dir)
                    .context("neither --database-url nor DATABASE_URL names a PostgreSQL, and no running server was found")?
                    .postgres_url
            }
        };
        // Nothing here reads posts.
        let retention = Duration::ZERO;
        Ok(Store::connect(StoreParams { url, pool_size: 1, retention, on_connect: None }).await?)
    }
}

impl<'a> Changes<'a> {
    async fn open(database: &'a Database, key: &KeyArgs) -> anyhow::Result<Self> {
        let keyring = server_key::find(key.secret_key.as_ref(), &database.target.data_dir);
        let keyring =
            keyring.context("the change could not be recorded in the audit log, so nothing was changed")?;
        Ok(Self { database, store: database.store().await?, keys: AuditKeys::new(&keyring) })
    }

    async fn set_active(&self, email: &Email, is_active: bool) -> anyhow::Result<()> {
        let user = self.find(email).await?;
        let change = UserChange { is_active: Some(is_active), ..UserChange::default() };
        match administration::change(&self.store, user.id, &change, Timestamp::now()).await? {
            Change::Unknown => bail!(missing(email)),
            Change::LastAdmin => {
                bail!("`{email}` is the last active admin; make somebody else an admin first")
            }
            Change::Made { before, after } => {
                self.record(Action::UserChanged, &after, [("before", &before), ("after", &after)]).await?;
                if !is_active {
                    self.end_sessions(&after).await?;
                }
                show(&after)
            }
        }
    }

    /// Records a change that was made. The server links the entry, now or at its next start.
    async fn record<const N: usize>(
        &self,
        action: Action,
        user: &User,
        details: [(&str, &User); N],
    ) -> anyhow::Result<()> {
        let mut payload = Map::new();
        for (name, user) in details {
            payload.insert(name.to_owned(), serde_json::to_value(user)?);
        }
        let (actor, object) = (AuditActor::command_line(account_on_machine()), Some(user.id.to_string()));
        let entry = Entry { actor, action, object, from: None, payload };
        let recorded = record_alone(&self.keys, &self.store, entry).await;
        recorded.context("the account was changed, but the audit log may have no entry of it")
    }

    /// Ends what the person has open. Without this, sessions would live again once the account is enabled.
    async fn end_sessions(&self, user: &User) -> anyhow::Result<()> {
        let stream = self.database.target.connect().await?;
        let ended = stream.sessions().end_all(user.id, None).await;
        stream.close().await;
        ended.context("the account was changed, but its sessions did not end; run the command again")?;
        Ok(())
    }

    async fn find(&self, email: &Email) -> anyhow::Result<User> {
        let found = users::find(&self.store, email).await?;
        Ok(found.with_context(|| missing(email))?.0)
    }
}

/// Returns the name of the account on the machine with which the command runs, or its number if it has no name.
fn account_on_machine() -> String {
    let uid = Uid::current();
    let named = nix::unistd::User::from_uid(uid).ok().flatten();
    named.map_or_else(|| uid.to_string(), |account| account.name)
}

fn missing(email: &Email) -> String {
    format!("there is no account with `{email}`")
}

/// Reads a new password from standard input, without the end of its line, and returns its hash.
async fn hashed(email: &Email) -> anyhow::Result<String> {
    // A character has at most four bytes.
    let limit = u64::try_from(PASSWORD_CHARS_MAX * 4 + 2).unwrap_or(u64::MAX);
    let mut text = String::new();
    stdin().lock().take(limit).read_to_string(&mut text).context("cannot read the password")?;
    let secret = text.trim_end_matches(['\r', '\n']);
    password::check_new(secret, email).map_err(|weak| anyhow::anyhow!("the password {weak}"))?;
    Ok(PasswordHasher::new().hash(secret).await?)
}

fn role(text: &str) -> Result<Role, String> {
    Role::ALL
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "known roles: viewer, analyst, admin".to_owned())
}

fn plan(text: &str) -> Result<Plan, String> {
    Plan::ALL
        .into_iter()
        .find(|plan| plan.as_str() == text)
        .ok_or_else(|| "known plans: free, pro, enterprise".to_owned())
}

fn show(user: &User) -> anyhow::Result<()> {
    let text = if stdout().is_terminal() { line(user) } else { serde_json::to_string(user)? };
    super::print(&text);
    Ok(())
}

fn line(user: &User) -> String {
    let User { email, role, plan, .. } = user;
    let state = if user.is_active { "active" } else { "disabled" };
    let seen = user.last_sign_in_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    format!("{email}  {}  {}  {state}  last sign-in {seen}", role.as_str(), plan.as_str())
}
