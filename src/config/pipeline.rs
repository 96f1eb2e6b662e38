//! What this process does, and in what portions.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::error::{ConfigError, invalid};
use crate::enrich::ProductRule;

/// What this process does, and in what portions.
#[derive(Debug, Clone, Args)]
#[group(id = "pipeline")]
pub struct PipelineSettings {
    /// Roles of this process, separated by commas: ingest, alert, web
    #[arg(long, env = "GROUNDSWELL_ROLES", value_delimiter = ',', default_value = "ingest,alert,web")]
    pub roles: Vec<Role>,
    /// Products and the keywords that mention them: Name=word,word;Name=word
    #[arg(long, env = "GROUNDSWELL_PRODUCTS", default_value = "")]
    pub products: String,
    /// Maximum posts in a batch
    #[arg(long, env = "GROUNDSWELL_BATCH_SIZE", default_value_t = 500)]
    pub batch_size: usize,
    /// Maximum batches in flight, which bounds memory during a burst; the excess queues in Redis
    #[arg(long, env = "GROUNDSWELL_BATCHES_IN_FLIGHT", default_value_t = 8)]
    pub batches_in_flight: usize,
    /// Maximum posts in a transaction
    #[arg(long, env = "GROUNDSWELL_POSTS_PER_COMMIT", default_value_t = 1_000)]
    pub posts_per_commit: usize,
}

impl PipelineSettings {
    /// The products to look for.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the list is not of the form `Name=word,word;Name=word`.
    pub fn product_rules(&self) -> Result<Vec<ProductRule>, ConfigError> {
        const FORM: &str = "must be of the form `Name=word,word;Name=word`";
        let mut rules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for rule in self.products.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
            let (name, words) = rule.split_once('=').ok_or_else(|| invalid("GROUNDSWELL_PRODUCTS", FORM))?;
            let words: Vec<String> =
                words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if name.trim().is_empty() || words.is_empty() {
                return Err(invalid("GROUNDSWELL_PRODUCTS", FORM));
            }
            rules.entry(name.trim()).or_default().extend(words);
        }
        Ok(rules
            .into_iter()
            .map(|(name, keywords)| ProductRule { name: name.to_owned(), keywords })
            .collect())
    }

    /// Whether this process does that.
    pub fn does(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Reads the stream, scores and stores.
    Ingest,
    /// Judges windows and raises alerts.
    Alert,
    /// Answers HTTP and WebSockets. Without it only `/health`, `/livez`, `/readyz`, `/metrics` and `/api/v1/system` answer.
    Web,
}
