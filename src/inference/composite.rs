//! Several networks that answer as one: of each question, the first that can.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::cache::{CachedScorer, ResultCache};
use super::heads::HeadKind;
use super::onnx::{Network, NetworkScorer};
use super::out_of_process::{IsolatedParams, IsolatedScorer, OpenRemote};
use super::{InferenceError, LoadParams, Reading, Scorer, ScorerFactory, Tier};
use crate::models::score::ModelId;

/// Answers what no other model does: it has all heads.
const LAST: &str = "swift";

/// A text that any model must be able to read before it is used.
const FIRST_TEXT: &str = "I love it, but the second one was a disappointment 😀 https://example.org";

/// Makes the scorers of one tier from one copy of the files.
pub struct CompositeFactory {
    networks: Vec<Arc<Network>>,
    tier: Tier,
    model: Arc<ModelId>,
    cache: Option<Arc<ResultCache>>,
    isolated: Option<Isolated>,
}

/// How another process runs the model.
struct Isolated {
    load: LoadParams,
    open: OpenRemote,
}

impl CompositeFactory {
    /// Loads the models in their order, the swift one after them where questions are left, and proves that they answer.
    ///
    /// # Errors
    /// When one of them cannot be used, or a question has nobody to answer it.
    pub fn load(params: &LoadParams, folders: &[PathBuf], tier: Tier) -> Result<Self, InferenceError> {
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).chain([Path::new(LAST)]).collect();
        let factory = Self::load_parts(params, &folders, tier)?;
        if let Some(head) = HeadKind::ALL.iter().find(|kind| !factory.answers(**kind)) {
            return Err(InferenceError::NoHead { head: head.as_str() });
        }
        Ok(factory)
    }

    /// Loads the models in their order and nothing besides, so that some questions may have nobody to answer them. For
    /// measuring what a model does by itself.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn load_alone(params: &LoadParams, folders: &[PathBuf], tier: Tier) -> Result<Self, InferenceError> {
        Self::load_parts(params, &folders.iter().map(PathBuf::as_path).collect::<Vec<_>>(), tier)
    }

    /// Whether it answers this question.
    pub fn answers(&self, kind: HeadKind) -> bool {
        self.networks.iter().any(|network| network.answers(kind))
    }

    fn load_parts(params: &LoadParams, folders: &[&Path], tier: Tier) -> Result<Self, InferenceError> {
        let mut wanted = HeadKind::ALL.to_vec();
        let mut networks = Vec::new();
        for folder in folders {
            if wanted.is_empty() {
                break;
            }
            let network = Network::read(params, folder, &wanted)?;
            let n_wanted = wanted.len();
            wanted.retain(|kind| !network.answers(*kind));
            // One that answers nothing new would only cost time.
            if wanted.len() < n_wanted {
                networks.push(Arc::new(network));
            }
        }
        let model = Arc::new(model_of(&networks));
        let cache = (params.cache_bytes > 0).then(|| Arc::new(ResultCache::new(params.cache_bytes, tier)));
        let open = params.open_remote.clone().filter(|_| tier == Tier::Deep);
        // What is remembered is remembered here.
        let load = LoadParams { cache_bytes: 0, open_remote: None, ..params.clone() };
        let isolated = open.map(|open| Isolated { load, open });
        let factory = Self { networks, tier, model, cache, isolated };
        factory.scorer()?.score(&[FIRST_TEXT, ""])?;
        Ok(factory)
    }

    /// The languages that its sentiment was taught; any where there are none.
    fn languages(&self) -> &[String] {
        let sentiment = self.networks.iter().find(|network| network.answers(HeadKind::Sentiment));
        sentiment.map_or(&[], |network| network.manifest().languages.as_slice())
    }

    fn scorer(&self) -> Result<Composite, InferenceError> {
        let mut parts = Vec::with_capacity(self.networks.len());
        for network in &self.networks {
            parts.push(network.build(self.tier)?);
        }
        Ok(Composite { parts, model: Arc::clone(&self.model) })
    }
}

impl ScorerFactory for CompositeFactory {
    fn model(&self) -> Arc<ModelId> {
        Arc::clone(&self.model)
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        let scorer: Box<dyn Scorer> = match &self.isolated {
            Some(Isolated { load, open }) => Box::new(IsolatedScorer::start(IsolatedParams {
                model: self.model(),
                languages: self.languages().to_vec(),
                load: load.clone(),
                open: open.clone(),
            })?),
            None => Box::new(self.scorer()?),
        };
        Ok(match &self.cache {
            Some(cache) => Box::new(CachedScorer::new(scorer, Arc::clone(cache))),
            None => scorer,
        })
    }
}

/// Names every part. Of several, the hash is that of their hashes in order.
fn model_of(networks: &[Arc<Network>]) -> ModelId {
    let manifests = || networks.iter().map(|network| network.manifest());
    let join = |parts: Vec<&str>| parts.join("+");
    let hash = match networks {
        [only] => only.manifest().model.sha256.clone(),
        _ => hex::encode(Sha256::digest(join(manifests().map(|part| part.model.sha256.as_str()).collect()))),
    };
    ModelId {
        name: join(manifests().map(|part| part.name.as_str()).collect()),
        version: join(manifests().map(|part| part.version.as_str()).collect()),
        hash,
    }
}

/// A session of each network, for one thread.
struct Composite {
    parts: Vec<NetworkScorer>,
    model: Arc<ModelId>,
}

impl Scorer for Composite {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn reads(&self, language: &str) -> bool {
        let sentiment = self.parts.iter().find(|part| part.network().answers(HeadKind::Sentiment));
        sentiment.is_none_or(|part| {
            let languages = &part.network().manifest().languages;
            languages.is_empty() || languages.iter().any(|known| known == language)
        })
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        let mut readings = vec![Reading::default(); texts.len()];
        for part in &mut self.parts {
            part.read(texts, &mut readings)?;
        }
        Ok(readings)
    }
}

#[cfg(test)]
#[path = "composite_tests.rs"]
mod tests;
