//! The models of a process: loaded once, and again when somebody asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::composite::CompositeFactory;
use super::fake::FakeFactory;
use super::lexicon::LexiconFactory;
use super::{InferenceError, LoadParams, ModelChoice, ModelSlot, ScorerFactory, Tier};

/// A model that can answer, and why it is not the one that was asked for.
pub struct Loaded {
    /// Makes the scorers.
    pub factory: Arc<dyn ScorerFactory>,
    /// Set when the lexicon answers because the model could not be loaded: the reason, for people.
    pub degraded: Option<String>,
}

/// Loads the fast model; never fails, because the lexicon is compiled in.
///
/// A lexicon that answers unasked is named `lexicon` in every score and told in [`Loaded::degraded`].
pub fn load(params: &LoadParams) -> Loaded {
    match try_load(params, Tier::Swift) {
        Ok(factory) => Loaded { factory, degraded: None },
        Err(error) => Loaded { factory: Arc::new(LexiconFactory::new()), degraded: Some(error.to_string()) },
    }
}

/// Loads the deep model. Nothing stands in for it: without it, everything stays as the fast model has read it.
///
/// # Errors
/// When it is missing, damaged or turned off.
pub fn load_deep(params: &LoadParams) -> Result<Arc<dyn ScorerFactory>, InferenceError> {
    try_load(params, Tier::Deep)
}

fn try_load(params: &LoadParams, tier: Tier) -> Result<Arc<dyn ScorerFactory>, InferenceError> {
    let choice = match tier {
        Tier::Swift => &params.fast,
        Tier::Deep => &params.deep,
    };
    match choice {
        ModelChoice::Off => Err(InferenceError::TurnedOff),
        ModelChoice::Fake => Ok(Arc::new(FakeFactory { tier })),
        ModelChoice::Lexicon => Ok(Arc::new(LexiconFactory::new())),
        ModelChoice::Folders(folders) => Ok(Arc::new(CompositeFactory::load(params, folders, tier)?)),
    }
}

/// The models of a process, each in a slot that another can be put into.
pub struct Models {
    params: LoadParams,
    swift: ModelSlot,
    deep: Result<ModelSlot, String>,
    degraded: Mutex<Option<String>>,
}

impl Models {
    /// Loads both tiers; never fails. What could not be loaded is told by [`Self::degraded`] and [`Self::deep`].
    pub fn load(params: LoadParams) -> Self {
        let Loaded { factory, degraded } = load(&params);
        let deep = load_deep(&params).map(ModelSlot::new).map_err(|error| error.to_string());
        Self { params, swift: ModelSlot::new(factory), deep, degraded: Mutex::new(degraded) }
    }

    /// Reads every post.
    pub fn swift(&self) -> &ModelSlot {
        &self.swift
    }

    /// Corrects.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub fn deep(&self) -> Result<&ModelSlot, &str> {
        self.deep.as_ref().map_err(String::as_str)
    }

    /// Why the lexicon reads every post though nobody asked for it.
    pub fn degraded(&self) -> Option<String> {
        self.reason().clone()
    }

    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.degraded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was loaded, and from where.
    pub fn params(&self) -> &LoadParams {
        &self.params
    }
}
