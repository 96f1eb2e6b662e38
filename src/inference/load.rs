//! The models of a process: loaded at start, and reloaded on request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::composite::CompositeFactory;
#[cfg(any(test, debug_assertions))]
use super::fake::FakeFactory;
use super::heads::HeadKind;
use super::lexicon::LexiconFactory;
use super::{InferenceError, LoadParams, ModelChoice, ModelSlot, ScorerFactory, Tier};
use crate::models::score::ModelId;

/// A working model and, if it is not the requested one, the reason.
pub struct Loaded {
    /// Builds the scorers.
    pub factory: Arc<dyn ScorerFactory>,
    /// Why the lexicon scores instead of the requested model, in human-readable form.
    pub degraded: Option<String>,
}

/// Loads the fast model. Never fails, because the lexicon is compiled in.
///
/// If the lexicon is used as a fallback, every score names it as `lexicon` and [`Loaded::degraded`] reports it.
pub fn load(params: &LoadParams) -> Loaded {
    match try_load(params, Tier::Swift) {
        Ok(factory) => Loaded { factory, degraded: None },
        Err(error) => Loaded { factory: Arc::new(LexiconFactory::new()), degraded: Some(error.to_string()) },
    }
}

/// Loads the deep model. It has no fallback: without it, posts keep the fast model's scores.
///
/// # Errors
/// If it is missing, damaged or turned off.
pub fn load_deep(params: &LoadParams) -> Result<Arc<dyn ScorerFactory>, InferenceError> {
    try_load(params, Tier::Deep)
}

/// A model loaded by itself, and its heads.
pub struct Alone {
    /// Builds the scorers. In their predictions, outputs that have no head remain 0.
    pub factory: Arc<dyn ScorerFactory>,
    /// The model's heads.
    pub heads: Vec<HeadKind>,
}

/// Loads the fast model without a fallback and without other models for missing heads: for measurements, where another
/// model's outputs would pass for its own.
///
/// # Errors
/// If it is missing, damaged or turned off.
pub fn load_alone(params: &LoadParams) -> Result<Alone, InferenceError> {
    let ModelChoice::Folders(folders) = &params.fast else {
        return Ok(Alone { factory: try_load(params, Tier::Swift)?, heads: HeadKind::ALL.to_vec() });
    };
    let factory = CompositeFactory::load_alone(params, folders, Tier::Swift)?;
    let heads = HeadKind::ALL.into_iter().filter(|kind| factory.has_head(*kind)).collect();
    Ok(Alone { factory: Arc::new(factory), heads })
}

fn try_load(params: &LoadParams, tier: Tier) -> Result<Arc<dyn ScorerFactory>, InferenceError> {
    let choice = match tier {
        Tier::Swift => &params.fast,
        Tier::Deep => &params.deep,
    };
    match choice {
        ModelChoice::Off => Err(InferenceError::TurnedOff),
        #[cfg(any(test, debug_assertions))]
        ModelChoice::Fake => Ok(Arc::new(FakeFactory { tier })),
        ModelChoice::Lexicon => Ok(Arc::new(LexiconFactory::new())),
        ModelChoice::Folders(folders) => Ok(Arc::new(CompositeFactory::load(params, folders, tier)?)),
    }
}

/// The process's models, each in a slot in which it can be replaced.
pub struct Models {
    params: LoadParams,
    swift: ModelSlot,
    deep: Result<ModelSlot, String>,
    degraded: Mutex<Option<String>>,
    /// Serializes reloads; otherwise an older model could replace a newer one.
    reloading: Mutex<()>,
}

/// Result of a reload for one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The tier.
    pub tier: Tier,
    /// The model before the reload.
    pub before: Arc<ModelId>,
    /// The model used from the next batch on; the same if its files are unchanged.
    pub after: Arc<ModelId>,
}

/// A failed reload and the reason; every tier keeps its model.
#[derive(Debug, thiserror::Error)]
#[error("the {} model was not reloaded: {reason}", .tier.as_str())]
pub struct NotReloaded {
    /// The tier whose new model cannot be used.
    pub tier: Tier,
    /// The reason.
    pub reason: InferenceError,
}

impl Models {
    /// Loads both tiers. Never fails: [`Self::degraded`] and [`Self::deep`] report what could not be loaded.
    pub fn load(params: LoadParams) -> Self {
        let Loaded { factory, degraded } = load(&params);
        let deep = load_deep(&params).map(ModelSlot::new).map_err(|error| error.to_string());
        let (swift, degraded) = (ModelSlot::new(factory), Mutex::new(degraded));
        Self { params, swift, deep, degraded, reloading: Mutex::default() }
    }

    /// Reads the models again from their folders, checks them against their manifests, scores a text with each, and
    /// replaces the current models only if all of them work. Takes as long as loading; until it is done, the old models
    /// continue to score posts.
    ///
    /// A tier that had no model at start has no threads, and a reload does not create any.
    ///
    /// # Errors
    /// If any of the models cannot be used; none is replaced then.
    pub fn reload(&self) -> Result<Vec<Reloaded>, NotReloaded> {
        let _turn = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = [(Tier::Swift, Some(&self.swift)), (Tier::Deep, self.deep.as_ref().ok())];
        let mut loaded = Vec::new();
        for (tier, slot) in slots {
            let Some(slot) = slot else { continue };
            let next = try_load(&self.params, tier).map_err(|reason| NotReloaded { tier, reason })?;
            loaded.push((tier, slot, next));
        }
        let swapped = loaded.into_iter().map(|(tier, slot, next)| {
            let after = next.model();
            Reloaded { tier, before: slot.swap(next).model(), after }
        });
        let swapped = swapped.collect();
        // The model that the lexicon stood in for now works.
        *self.reason() = None;
        Ok(swapped)
    }

    /// Returns the model that scores every post.
    pub fn swift(&self) -> &ModelSlot {
        &self.swift
    }

    /// Returns the model that corrects scores.
    ///
    /// # Errors
    /// If there is none: the human-readable reason.
    pub fn deep(&self) -> Result<&ModelSlot, &str> {
        self.deep.as_ref().map_err(String::as_str)
    }

    /// Returns why the lexicon is used instead of the requested model, if it is.
    pub fn degraded(&self) -> Option<String> {
        self.reason().clone()
    }

    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.degraded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
