//! Passwords, whose replacement ends what began with the old one.

use jiff::Timestamp;

use super::administration::end_access;
use crate::models::id::UserId;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Replaces the password whose hash is `old`, as its owner does, who has just presented it. Revokes the account's access
/// tokens and deletes its links that would set a password. Returns `false` if the account is not active, or if its password
/// was replaced in the meantime.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn replace(
    store: &Store,
    id: UserId,
    (old, new): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    write(store, id, (Some(old), new), now).await
}

/// Sets the password, whatever it was, as somebody with access to the machine does. Revokes the account's access tokens and
/// deletes its links that would set a password. Returns `false` if the account does not exist.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn set(store: &Store, id: UserId, new: &str, now: Timestamp) -> Result<bool, StoreError> {
    write(store, id, (None, new), now).await
}

async fn write(
    store: &Store,
    id: UserId,
    (old, new): (Option<&str>, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE users SET hashed_secret = $2, updated_at = $3
        WHERE id = $1 AND archived_at IS NULL AND ($4::text IS NULL OR (hashed_secret = $4 AND is_active))";
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let n_changed = transaction.execute(SQL, &[&id, &new, &PgTimestamp(now), &old]).await?;
            if n_changed == 0 {
                return Ok(false);
            }
            end_access(&transaction, id, now).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(true)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::principal::Role;
    use crate::store::accounts::administration::tests::user;
    use crate::store::accounts::users::hash_of;
    use crate::store::testing::{execute, now_in_micros, number, test_store};

    #[tokio::test]
    async fn a_password_is_only_replaced_while_it_is_the_one_that_was_presented() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        let hash = async || hash_of(&store, ana).await.unwrap();
        assert!(set(&store, ana, "first", now).await.unwrap());
        assert!(replace(&store, ana, ("first", "second"), now).await.unwrap());
        // A slower change that began with the same password comes too late.
        assert!(!replace(&store, ana, ("first", "stolen"), now).await.unwrap());
        assert_eq!(hash().await.as_deref(), Some("second"));
        execute(&store, "UPDATE users SET is_active = false").await;
        assert!(!replace(&store, ana, ("second", "stolen"), now).await.unwrap());
        assert!(set(&store, ana, "third", now).await.unwrap());
        execute(&store, "UPDATE users SET is_active = true").await;
        assert_eq!(hash().await.as_deref(), Some("third"));
        assert!(!set(&store, UserId::now_v7(), "x", now).await.unwrap());
    }

    #[tokio::test]
    async fn a_replaced_password_ends_tokens_and_links() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        set(&store, ana, "first", now).await.unwrap();
        let begin = format!(
            "INSERT INTO token_families (id, user_id, scopes, created_at, expires_at)
                VALUES (gen_random_uuid(), '{ana}', '{{read}}', now(), now() + interval '1 day');
            INSERT INTO password_resets (user_id, digest, expires_at)
                VALUES ('{ana}', sha256('a'), now() + interval '1 hour')"
        );
        execute(&store, &begin).await;
        let left = async || {
            number(&store, "SELECT count(*) FROM token_families WHERE revoked_at IS NULL").await
                + number(&store, "SELECT count(*) FROM password_resets").await
        };
        assert!(!replace(&store, ana, ("wrong", "second"), now).await.unwrap());
        assert_eq!(left().await, 2);
        assert!(replace(&store, ana, ("first", "second"), now).await.unwrap());
        assert_eq!(left().await, 0);
    }
}
