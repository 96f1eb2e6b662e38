//! The secret key of a server, for commands that work on its audit log.

use std::path::Path;

use anyhow::Context as _;

use crate::config::Secret;
use crate::keyring::Keyring;

/// Returns the key of the server: the configured one, or else the one in the data directory. Creates none, because what
/// another key seals counts as forged.
///
/// # Errors
/// If there is no key, or it cannot be read.
pub fn find(configured: Option<&Secret>, folder: &Path) -> anyhow::Result<Keyring> {
    if let Some(secret) = configured {
        return Ok(Keyring::from_secret(secret.expose()));
    }
    let found =
        Keyring::find(folder).with_context(|| format!("cannot read the key in {}", folder.display()))?;
    found.with_context(|| {
        format!(
            "there is no secret key in {}: set GROUNDSWELL_SECRET_KEY to the key of the server",
            folder.display()
        )
    })
}
