//! Verifies the stored chain.

use super::verification::{Verdict, Verifier, VerifierParams};
use crate::store::audit::verification::ChainReader;
use crate::store::{Store, StoreError};

/// Number of links that are read at once.
const BATCH_MAX: usize = 10_000;

/// Verifies the whole chain as it is now, while it may grow. The next links are read while the last ones are verified.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn verify(store: &Store, mut params: VerifierParams) -> Result<Verdict, StoreError> {
    let reader = ChainReader::open(store).await?;
    let stored = reader.checkpoints().await?;
    params.checkpoints.extend(stored.into_iter().map(|signed| (signed, "the database".to_owned())));
    let mut verifier = Verifier::new(params);
    let mut batch = reader.links_after(verifier.position(), BATCH_MAX).await?;
    let mut n_rows = 0;
    while let Some(last) = batch.last().map(|chained| chained.link.seq) {
        n_rows += batch.iter().filter(|chained| chained.sealed.is_some()).count();
        // unsupervised: verifying a batch ends, and the caller waits for it
        let verifying = tokio::task::spawn_blocking(move || {
            batch.iter().for_each(|chained| verifier.push(chained));
            verifier
        });
        let next = reader.links_after(last, BATCH_MAX).await;
        verifier = verifying.await.map_err(|error| StoreError::internal(error.to_string()))?;
        batch = next?;
    }
    Ok(verifier.finish(&reader.unchained(n_rows).await?))
}
