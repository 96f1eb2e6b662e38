//! Several networks that act as one model. Each output comes from the first network that has its head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::cache::{CachedScorer, ResultCache};
use super::heads::HeadKind;
use super::onnx::{Network, NetworkScorer};
use super::out_of_process::remote::OpenRemote;
use super::out_of_process::{OutOfProcessParams, OutOfProcessScorer};
use super::{InferenceError, LoadParams, Prediction, Scorer, ScorerFactory, Tier};
use crate::models::score::ModelId;

/// Model that fills in outputs that no other model has. It has all heads.
const FALLBACK: &str = "swift";

/// Text that a model must be able to score before it is used.
const PROBE_TEXT: &str = "I love it, but the second one was a disappointment 😀 https://example.org";

/// Builds the scorers of one tier, which share one copy of the model files.
pub struct CompositeFactory {
    networks: Vec<Arc<Network>>,
    tier: Tier,
    model: Arc<ModelId>,
    cache: Option<Arc<ResultCache>>,
    out_of_process: Option<OutOfProcess>,
}

/// Command that runs the model in another process, and the model to load there.
struct OutOfProcess {
    load: LoadParams,
    open: OpenRemote,
}

impl CompositeFactory {
    /// Loads the models in the given order, then the built-in swift model if any outputs are still missing, and scores
    /// a text as a test.
    ///
    /// # Errors
    /// If one of the models cannot be used, or one of the heads is missing from all of them.
    pub fn load(params: &LoadParams, folders: &[PathBuf], tier: Tier) -> Result<Self, InferenceError> {
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).chain([Path::new(FALLBACK)]).collect();
        let factory = Self::load_parts(params, &folders, tier)?;
        if let Some(head) = HeadKind::ALL.iter().find(|kind| !factory.has_head(**kind)) {
            return Err(InferenceError::NoHead { head: head.as_str() });
        }
        Ok(factory)
    }

    /// Loads only the given models, even if outputs are missing, to measure a model by itself.
    ///
    /// # Errors
    /// If one of the models cannot be used.
    pub fn load_alone(params: &LoadParams, folders: &[PathBuf], tier: Tier) -> Result<Self, InferenceError> {
        Self::load_parts(params, &folders.iter().map(PathBuf::as_path).collect::<Vec<_>>(), tier)
    }

    /// Returns whether any of the networks has this head.
    pub fn has_head(&self, kind: HeadKind) -> bool {
        self.networks.iter().any(|network| network.has_head(kind))
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
            wanted.retain(|kind| !network.has_head(*kind));
            // Running a network that contributes no missing head would only cost time.
            if wanted.len() < n_wanted {
                networks.push(Arc::new(network));
            }
        }
        let model = Arc::new(model_of(&networks));
        let cache = (params.cache_bytes > 0).then(|| Arc::new(ResultCache::new(params.cache_bytes, tier)));
        let open = params.open_remote.clone().filter(|_| tier == Tier::Deep);
        // This process caches predictions, so the other one need not.
        let load = LoadParams { cache_bytes: 0, open_remote: None, ..params.clone() };
        let out_of_process = open.map(|open| OutOfProcess { load, open });
        let factory = Self { networks, tier, model, cache, out_of_process };
        factory.scorer()?.score(&[PROBE_TEXT, ""])?;
        Ok(factory)
    }

    /// Returns the languages, as ISO 639-1 codes, that the sentiment head was trained on; empty if it supports any.
    fn languages(&self) -> &[String] {
        let sentiment = self.networks.iter().find(|network| network.has_head(HeadKind::Sentiment));
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
        let scorer: Box<dyn Scorer> = match &self.out_of_process {
            Some(OutOfProcess { load, open }) => Box::new(OutOfProcessScorer::start(OutOfProcessParams {
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

/// Combines the ids of all networks into one. If there are several, the hash covers their hashes in order.
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

/// The networks' sessions, for use by one thread.
struct Composite {
    parts: Vec<NetworkScorer>,
    model: Arc<ModelId>,
}

impl Scorer for Composite {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn supports_language(&self, language: &str) -> bool {
        let sentiment = self.parts.iter().find(|part| part.network().has_head(HeadKind::Sentiment));
        sentiment.is_none_or(|part| {
            let languages = &part.network().manifest().languages;
            languages.is_empty() || languages.iter().any(|known| known == language)
        })
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        let mut predictions = vec![Prediction::default(); texts.len()];
        for part in &mut self.parts {
            part.read(texts, &mut predictions)?;
        }
        Ok(predictions)
    }
}

#[cfg(test)]
#[path = "composite_tests.rs"]
mod tests;
