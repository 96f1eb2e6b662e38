//! A model that runs in another process: the protocol between the two sides, with one JSON value per line.
//!
//! The first request holds the [`LoadParams`] of the model to load, and its response is a `Loaded`. Every further
//! request is a list of texts, and its response is a `Response`.

pub mod remote; // the other process, as this one sees it
pub mod server; // the side of the process that runs the model

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::remote::{OpenRemote, Remote};
use super::metrics_relay;
use super::metrics_relay::Timing;
use super::{InferenceError, LoadParams, Prediction, Scorer};
use crate::models::score::ModelId;

#[derive(Serialize, Deserialize)]
enum Loaded {
    Model(ModelId),
    Failed(String),
}

#[derive(Serialize, Deserialize)]
struct Response {
    outcome: Outcome,
    timings: Vec<Timing>,
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    Readings(Vec<Prediction>),
    Failed { reason: String, is_transient: bool },
}

/// Parameters with which an out-of-process scorer starts its process.
pub(super) struct OutOfProcessParams {
    /// Id of the model that the process must load.
    pub model: Arc<ModelId>,
    /// Languages that the model was trained on, as ISO 639-1 codes; empty if it supports any.
    pub languages: Vec<String>,
    /// How the process finds and loads the model.
    pub load: LoadParams,
    /// Starts the process and connects to it.
    pub open: OpenRemote,
}

/// Scorer whose model runs in another process. If the process ends, the next batch starts a new one.
pub(super) struct OutOfProcessScorer {
    params: OutOfProcessParams,
    remote: Option<Box<dyn Remote>>,
    /// Whether the last batch started a process.
    has_restarted: bool,
}

impl OutOfProcessScorer {
    /// Starts the process and waits until it has loaded the model.
    ///
    /// # Errors
    /// If the process cannot be started, or loads a different model.
    pub fn start(params: OutOfProcessParams) -> Result<Self, InferenceError> {
        let mut scorer = Self { params, remote: None, has_restarted: false };
        scorer.remote = Some(scorer.open()?);
        Ok(scorer)
    }

    /// Sends a request and returns the response. Keeps the process if it responds, and ends it otherwise.
    fn request(&mut self, mut remote: Box<dyn Remote>, request: &str) -> Result<Response, InferenceError> {
        let response = serde_json::from_str(&remote.request(request).map_err(gone)?).map_err(unreadable)?;
        self.remote = Some(remote);
        Ok(response)
    }

    fn open(&self) -> Result<Box<dyn Remote>, InferenceError> {
        let mut remote = (self.params.open.0)().map_err(gone)?;
        let load = serde_json::to_string(&self.params.load).map_err(unreadable)?;
        match serde_json::from_str(&remote.request(&load).map_err(gone)?).map_err(unreadable)? {
            Loaded::Model(model) if model == *self.params.model => Ok(remote),
            Loaded::Model(model) => Err(InferenceError::Runtime(format!(
                "the files of `{}` have changed to version {}: reload the models",
                model.name, model.version
            ))),
            Loaded::Failed(reason) => Err(InferenceError::Runtime(reason)),
        }
    }
}

impl Scorer for OutOfProcessScorer {
    fn model(&self) -> &Arc<ModelId> {
        &self.params.model
    }

    fn supports_language(&self, language: &str) -> bool {
        let languages = &self.params.languages;
        languages.is_empty() || languages.iter().any(|known| known == language)
    }

    /// Scores the texts. If the process has ended, starts a new one and repeats the request once, because the old one
    /// may have ended before it received these texts.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        let request = serde_json::to_string(texts).map_err(unreadable)?;
        self.has_restarted = false;
        let response = match self.remote.take().map(|remote| self.request(remote, &request)) {
            Some(Ok(response)) => response,
            None | Some(Err(_)) => {
                self.has_restarted = true;
                let fresh = self.open()?;
                self.request(fresh, &request)?
            }
        };
        metrics_relay::record(&response.timings);
        match response.outcome {
            Outcome::Readings(predictions) => Ok(predictions),
            Outcome::Failed { reason, is_transient: true } => Err(InferenceError::Runtime(reason)),
            Outcome::Failed { reason, is_transient: false } => Err(InferenceError::OutOfProcess(reason)),
        }
    }

    fn has_loaded(&self) -> bool {
        self.has_restarted
    }
}

fn gone(error: io::Error) -> InferenceError {
    InferenceError::Runtime(format!("the model process has ended: {error}"))
}

fn unreadable(error: serde_json::Error) -> InferenceError {
    InferenceError::Runtime(format!("the model process sent an invalid response: {error}"))
}

#[cfg(test)]
mod tests;
