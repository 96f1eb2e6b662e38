//! A model run by another process: the protocol of both sides, one JSON value per line.
//!
//! The first line holds the [`LoadParams`] of the model to load, and the response is a `Loaded`; each further line is
//! a list of texts, and the response is a `Response`.

pub mod remote; // the other process, as this one sees it
pub mod server; // the side of the process that runs the model

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::remote::{OpenRemote, Remote};
use super::run_times::{self, Timing};
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

/// Settings of an out-of-process scorer.
pub(super) struct OutOfProcessParams {
    /// The expected model.
    pub model: Arc<ModelId>,
    /// Training languages of that model; empty for any.
    pub languages: Vec<String>,
    /// How the process loads the model.
    pub load: LoadParams,
    /// How to start the process.
    pub open: OpenRemote,
}

/// Scores texts in another process, which is restarted when it ends.
pub(super) struct OutOfProcessScorer {
    params: OutOfProcessParams,
    remote: Option<Box<dyn Remote>>,
}

impl OutOfProcessScorer {
    /// Starts the process and lets it load the model.
    ///
    /// # Errors
    /// If it cannot be started, or loads another model.
    pub fn start(params: OutOfProcessParams) -> Result<Self, InferenceError> {
        let mut scorer = Self { params, remote: None };
        scorer.remote = Some(scorer.open()?);
        Ok(scorer)
    }

    /// Sends a request. Keeps the process if it responds, otherwise ends it.
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

    /// If the process has ended, starts a new one and repeats the request once: the old one may have ended before it
    /// received these texts.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Prediction>, InferenceError> {
        let request = serde_json::to_string(texts).map_err(unreadable)?;
        let response = match self.remote.take().map(|remote| self.request(remote, &request)) {
            Some(Ok(response)) => response,
            None | Some(Err(_)) => {
                let fresh = self.open()?;
                self.request(fresh, &request)?
            }
        };
        run_times::record(&response.timings);
        match response.outcome {
            Outcome::Readings(predictions) => Ok(predictions),
            Outcome::Failed { reason, is_transient: true } => Err(InferenceError::Runtime(reason)),
            Outcome::Failed { reason, is_transient: false } => Err(InferenceError::OutOfProcess(reason)),
        }
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
