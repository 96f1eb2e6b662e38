//! Settings for the pipeline: the roles of the process, and the sizes of its batches.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::value_parsers::at_least_one;
use crate::enrich::ProductRule;

/// The table `[pipeline]`: the roles of the process, and the sizes of its batches.
#[derive(Debug, Clone, Args)]
#[group(id = "pipeline")]
pub struct PipelineSettings {
    /// Roles of this process, separated by commas: ingest, alert, web
    #[arg(long, env = "GROUNDSWELL_ROLES", value_delimiter = ',', default_value = "ingest,alert,web")]
    pub roles: Vec<Role>,
    /// Products and the keywords by which posts mention them: Name=word,word;Name=word
    #[arg(long, env = "GROUNDSWELL_PRODUCTS", default_value = "")]
    pub products: Products,
    /// Maximum number of posts in a batch
    #[arg(long, env = "GROUNDSWELL_BATCH_SIZE", default_value_t = 500, value_parser = at_least_one)]
    pub batch_size: usize,
    /// Maximum number of batches in flight, which bounds memory during a burst; the excess queues in Redis
    #[arg(long, env = "GROUNDSWELL_BATCHES_IN_FLIGHT", default_value_t = 8, value_parser = at_least_one)]
    pub batches_in_flight: usize,
    /// Maximum number of posts in a transaction
    #[arg(long, env = "GROUNDSWELL_POSTS_PER_COMMIT", default_value_t = 1_000, value_parser = at_least_one)]
    pub posts_per_commit: usize,
}

impl PipelineSettings {
    /// Returns whether this process takes on `role`.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Returns the number of unread stream entries beyond which scoring counts as falling behind: twice as many as may
    /// be in flight, because that many can easily accumulate while the ones in flight are being stored.
    pub fn backlog_max(&self) -> u64 {
        let in_flight = self.batch_size.saturating_mul(self.batches_in_flight);
        u64::try_from(in_flight.saturating_mul(2)).unwrap_or(u64::MAX)
    }
}

/// Part of the work that a process can take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Reads the stream, scores posts and stores them.
    Ingest,
    /// Evaluates alert rules and sends notifications.
    Alert,
    /// Serves the API, the dashboard and WebSockets. Without this role, only `/health`, `/livez`, `/readyz`, `/metrics`
    /// and `/api/v1/system` respond.
    Web,
}

/// Products to find in posts, parsed from `Name=word,word;Name=word`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Products(pub Vec<ProductRule>);

impl FromStr for Products {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be of the form `Name=word,word;Name=word`";
        let mut products: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for product in text.split(';').map(str::trim).filter(|product| !product.is_empty()) {
            let (name, words) = product.split_once('=').ok_or(FORM)?;
            let words: Vec<String> =
                words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if name.trim().is_empty() || words.is_empty() {
                return Err(FORM);
            }
            products.entry(name.trim()).or_default().extend(words);
        }
        let rule = |(name, keywords): (&str, _)| ProductRule { name: name.to_owned(), keywords };
        Ok(Self(products.into_iter().map(rule).collect()))
    }
}
