//! The models of a process: loaded once, and again when somebody asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::composite::CompositeFactory;
use super::fake::FakeFactory;
use super::heads::HeadKind;
use super::lexicon::LexiconFactory;
use super::{InferenceError, LoadParams, ModelChoice, ModelSlot, ScorerFactory, Tier};
use crate::models::score::ModelId;

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

/// A model by itself, and which questions it answers.
pub struct Alone {
    /// Makes the scorers. What nobody answers stays 0 in their readings.
    pub factory: Arc<dyn ScorerFactory>,
    /// The questions it answers.
    pub heads: Vec<HeadKind>,
}

/// Loads the fast model without others that would answer what it does not, and without a stand-in: for measurements,
/// where another model's answers would pass for its own.
///
/// # Errors
/// When it is missing, damaged or turned off.
pub fn load_alone(params: &LoadParams) -> Result<Alone, InferenceError> {
    let ModelChoice::Folders(folders) = &params.fast else {
        return Ok(Alone { factory: try_load(params, Tier::Swift)?, heads: HeadKind::ALL.to_vec() });
    };
    let factory = CompositeFactory::load_alone(params, folders, Tier::Swift)?;
    let heads = HeadKind::ALL.into_iter().filter(|kind| factory.answers(*kind)).collect();
    Ok(Alone { factory: Arc::new(factory), heads })
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
    /// Two reloads at once could put an older model over a newer one.
    reloading: Mutex<()>,
}

/// What a reload did to one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Which one.
    pub tier: Tier,
    /// The model that answered until now.
    pub before: Arc<ModelId>,
    /// The model that answers from the next batch on. The same, where its files are the same.
    pub after: Arc<ModelId>,
}

/// Why nothing was reloaded: every tier goes on with the model it had.
#[derive(Debug, thiserror::Error)]
#[error("the {} model is left as it was: {reason}", .tier.as_str())]
pub struct NotReloaded {
    /// Whose new model cannot be used.
    pub tier: Tier,
    /// Why not.
    pub reason: InferenceError,
}

impl Models {
    /// Loads both tiers; never fails. What could not be loaded is told by [`Self::degraded`] and [`Self::deep`].
    pub fn load(params: LoadParams) -> Self {
        let Loaded { factory, degraded } = load(&params);
        let deep = load_deep(&params).map(ModelSlot::new).map_err(|error| error.to_string());
        let (swift, degraded) = (ModelSlot::new(factory), Mutex::new(degraded));
        Self { params, swift, deep, degraded, reloading: Mutex::default() }
    }

    /// Reads the models again from their folders, checks them against their manifests, lets each score a text, and only
    /// when all of them can, puts them in. Takes as long as loading; posts are scored by the old ones meanwhile.
    ///
    /// A tier that had no model when the process started has no threads either, and gets none by this.
    ///
    /// # Errors
    /// When one of the models cannot be used; then none is changed.
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
        // What the lexicon stood in for is there now.
        *self.reason() = None;
        Ok(swapped)
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
}
