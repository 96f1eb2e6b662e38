//! Topics that sources follow, as this process knows them.

use crate::connectors::{ConnectorError, following};
use crate::models::source::{Source, SourceSettings};
use crate::models::topic::Topic;
use crate::store::topics::{self, TopicsVersion};
use crate::store::{Store, StoreError};

/// Topics as they were last read.
#[derive(Debug, Clone, Default)]
pub struct FollowedTopics {
    version: Option<TopicsVersion>,
    topics: Vec<Topic>,
}

/// What a source asks its network for, and the topics that it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Settings with what the topics add; or why there is nothing to ask for.
    pub settings: Result<SourceSettings, ConnectorError>,
    version: Option<TopicsVersion>,
}

impl FollowedTopics {
    /// Reads the topics if they have changed.
    ///
    /// # Errors
    /// If PostgreSQL fails. The topics are then those that were read before.
    pub async fn refresh(&mut self, store: &Store) -> Result<(), StoreError> {
        let version = topics::version(store).await?;
        if self.version != Some(version) {
            self.topics = topics::list(store).await?;
            self.version = Some(version);
        }
        Ok(())
    }

    /// Returns what a source asks for now.
    pub fn asked_by(&self, source: &Source) -> Asked {
        let settings = following::resolve(source.network, &source.settings, &self.topics);
        Asked { settings, version: self.version }
    }

    /// Returns whether a source still asks for the same, and notes that it was checked.
    pub fn is_current(&self, source: &Source, asked: &mut Asked) -> bool {
        if source.settings.follow_topics == Some(true) && asked.version != self.version {
            let now = self.asked_by(source);
            asked.version = now.version;
            return asked.settings == now.settings;
        }
        true
    }
}
