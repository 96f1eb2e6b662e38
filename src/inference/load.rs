//! The models of a process, which are loaded at startup and reloaded on request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::composite::CompositeFactory;
#[cfg(any(test, debug_assertions, feature = "test-models"))]
use super::fake::FakeFactory;
use super::heads::HeadKind;
use super::lexicon::LexiconFactory;
use super::{InferenceError, LoadParams, ModelChoice, ModelSlot, ScorerFactory, Tier};
use crate::models::score::ModelId;

/// A working model and, if it is not the requested one, the reason why.
pub struct Loaded {
    /// Factory for the model's scorers.
    pub factory: Arc<dyn ScorerFactory>,
    /// Human-readable reason why the lexicon is used instead of the requested model; `None` if that model works.
    pub degraded: Option<String>,
}

/// Loads the fast model. Cannot fail, because the lexicon is compiled in.
///
/// If the lexicon replaces the requested model, its scores name `lexicon` as their model, and [`Loaded::degraded`]
/// holds the reason.
pub fn load(params: &LoadParams) -> Loaded {
    match try_load(params, Tier::Swift) {
        Ok(factory) => Loaded { factory, degraded: None },
        Err(error) => Loaded { factory: Arc::new(LexiconFactory::new()), degraded: Some(error.to_string()) },
    }
}

/// Loads the deep model. There is no fallback: if it cannot be loaded, posts keep the fast model's scores.
///
/// # Errors
/// If the model is missing, damaged or turned off.
pub fn load_deep(params: &LoadParams) -> Result<Arc<dyn ScorerFactory>, InferenceError> {
    try_load(params, Tier::Deep)
}

/// A model loaded without any others to complement it.
pub struct Alone {
    /// Factory for the model's scorers. Outputs that the model has no head for stay 0.
    pub factory: Arc<dyn ScorerFactory>,
    /// Heads that the model has.
    pub heads: Vec<HeadKind>,
}

/// Loads the fast model without a fallback and without other models for missing heads. Measurements need this:
/// otherwise another model's outputs could pass for its own.
///
/// # Errors
/// If the model is missing, damaged or turned off.
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
        #[cfg(any(test, debug_assertions, feature = "test-models"))]
        ModelChoice::Fake => Ok(Arc::new(FakeFactory { tier })),
        ModelChoice::Lexicon => Ok(Arc::new(LexiconFactory::new())),
        ModelChoice::Folders(folders) => Ok(Arc::new(CompositeFactory::load(params, folders, tier)?)),
    }
}

/// The models of a process, each in a slot that allows it to be replaced.
pub struct Models {
    params: LoadParams,
    swift: ModelSlot,
    deep: Result<ModelSlot, String>,
    degraded: Mutex<Option<String>>,
    /// Held during a reload; otherwise, a slower reload could replace a newer model with an older one.
    reloading: Mutex<()>,
}

/// Result of reloading one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Tier whose model was reloaded.
    pub tier: Tier,
    /// Model that was in use until the reload.
    pub before: Arc<ModelId>,
    /// Model in use from the next batch on; equal to `before` if its files are unchanged.
    pub after: Arc<ModelId>,
}

/// A failed reload, after which every tier keeps its model.
#[derive(Debug, thiserror::Error)]
#[error("the {} model was not reloaded: {reason}", .tier.as_str())]
pub struct NotReloaded {
    /// Tier whose new model cannot be used.
    pub tier: Tier,
    /// Reason why the new model cannot be used.
    pub reason: InferenceError,
}

impl Models {
    /// Loads both tiers. Cannot fail: [`Self::degraded`] and [`Self::deep`] report what could not be loaded.
    pub fn load(params: LoadParams) -> Self {
        let Loaded { factory, degraded } = load(&params);
        let deep = load_deep(&params).map(ModelSlot::new).map_err(|error| error.to_string());
        let (swift, degraded) = (ModelSlot::new(factory), Mutex::new(degraded));
        Self { params, swift, deep, degraded, reloading: Mutex::default() }
    }

    /// Reads the models from their folders again, checks them against their manifests, scores a text with each, and
    /// replaces the current models only if all of them work. Takes as long as the initial load; the old models keep
    /// scoring posts in the meantime.
    ///
    /// A tier that started without a model has no threads, and a reload does not create any.
    ///
    /// # Errors
    /// If one of the models cannot be used, in which case none is replaced.
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
        // The model that the lexicon replaced works again.
        *self.reason() = None;
        Ok(swapped)
    }

    /// Returns the slot of the model that scores every post.
    pub fn swift(&self) -> &ModelSlot {
        &self.swift
    }

    /// Returns the slot of the model that corrects scores.
    ///
    /// # Errors
    /// A human-readable reason if there is no such model.
    pub fn deep(&self) -> Result<&ModelSlot, &str> {
        self.deep.as_ref().map_err(String::as_str)
    }

    /// Returns the reason why the lexicon is used instead of the requested model; `None` if that model is in use.
    pub fn degraded(&self) -> Option<String> {
        self.reason().clone()
    }

    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.degraded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
