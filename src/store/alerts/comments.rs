//! People's comments on alerts, which are part of the alerts' history.

use deadpool_postgres::Object;

use super::row::{alert_of, columns};
use crate::models::alert::{Alert, AlertMoment};
use crate::models::id::AlertId;
use crate::models::person_name::Stamp;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Maximum number of comments on one alert.
pub const COMMENTS_MAX: i64 = 200;

/// Outcome of adding a comment.
#[derive(Debug, Clone, PartialEq)]
pub enum Commented {
    /// The comment is stored.
    Stored {
        /// History entry for the comment.
        moment: AlertMoment,
        /// Alert in its current state.
        alert: Box<Alert>,
    },
    /// The alert already has [`COMMENTS_MAX`] comments.
    Full,
    /// The alert does not exist.
    Unknown,
}

/// Adds a validated comment to an alert.
pub async fn comment(store: &Store, id: AlertId, text: &str, stamp: &Stamp) -> Result<Commented, StoreError> {
    store.run(async |client| comment_on(client, id, text, stamp).await).await
}

/// Adds the comment. Updating the alert locks its row, so concurrent comments are counted one at a time.
async fn comment_on(
    client: &mut Object,
    id: AlertId,
    text: &str,
    stamp: &Stamp,
) -> Result<Commented, StoreError> {
    const COUNT: &str = concat!(
        "UPDATE sentiment_alerts SET n_comments = n_comments + 1, revision = revision + 1
        WHERE id = $1 AND n_comments < $2::bigint RETURNING ",
        columns!()
    );
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM sentiment_alerts WHERE id = $1)";
    const INSERT: &str = "
        INSERT INTO alert_history (alert, at, action, value, comment, actor) VALUES ($1, $2, 'commented', $3, $4, $5)
        RETURNING at";
    let transaction = client.transaction().await?;
    let Some(row) = transaction.query_opt(COUNT, &[&id, &COMMENTS_MAX]).await? else {
        let exists: bool = transaction.query_one(EXISTS, &[&id]).await?.try_get(0)?;
        return Ok(if exists { Commented::Full } else { Commented::Unknown });
    };
    let alert = alert_of(&row)?;
    let at = PgTimestamp(stamp.at);
    let row = transaction.query_one(INSERT, &[&id, &at, &alert.value, &text, &stamp.name()]).await?;
    let moment = AlertMoment {
        at: row.try_get(0)?,
        action: Some("commented".to_owned()),
        value: Some(alert.value),
        comment: Some(text.to_owned()),
        actor: stamp.name().map(str::to_owned),
        ..AlertMoment::default()
    };
    transaction.commit().await?;
    Ok(Commented::Stored { moment, alert: Box::new(alert) })
}
