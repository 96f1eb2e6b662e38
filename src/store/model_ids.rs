//! Numeric ids that scores use to refer to their models.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use deadpool_postgres::Object;

use super::{Store, StoreError};
use crate::models::score::{ModelId, Score};

impl Store {
    /// Returns the ids of the models that produced these scores, after assigning ids to new models.
    ///
    /// Runs before the transaction that stores the scores: a model without scores is harmless, but a cached id whose
    /// transaction was rolled back is not.
    pub(super) async fn model_ids(
        &self,
        client: &Object,
        scores: &[&Score],
    ) -> Result<HashMap<Arc<ModelId>, i16>, StoreError> {
        let mut known = self.known.models.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for score in scores {
            let model = &score.model;
            if known.contains_key(model) {
                continue;
            }
            let id = give_number(client, model).await?;
            self.known.models.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(model), id);
            known.insert(Arc::clone(model), id);
        }
        Ok(known)
    }
}

/// Returns the id of a model, assigning one if it is new. It selects before it inserts, because even a conflicting
/// insert uses up one of 32,767 ids. On conflict, the insert performs an update that changes nothing, so that it
/// returns the id even if another process was faster.
async fn give_number(client: &Object, model: &ModelId) -> Result<i16, StoreError> {
    const FIND: &str = "SELECT id FROM models WHERE name = $1 AND version = $2 AND hash = $3";
    const INSERT: &str = "
        INSERT INTO models (name, version, hash) VALUES ($1, $2, $3)
        ON CONFLICT (name, version, hash) DO UPDATE SET name = excluded.name
        RETURNING id";
    let ModelId { name, version, hash } = model;
    if let Some(row) = client.query_opt(FIND, &[name, version, hash]).await? {
        return Ok(row.try_get(0)?);
    }
    Ok(client.query_one(INSERT, &[name, version, hash]).await?.try_get(0)?)
}
