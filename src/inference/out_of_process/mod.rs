//! A model that is run by another process: what both sides say, as one JSON value a line.
//!
//! The first line names the model to load, [`LoadParams`], and is answered with a `Loaded`; each further one is a list
//! of texts, answered with an `Answer`.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::run_times::{self, Spent};
use super::{InferenceError, LoadParams, Reading, Scorer, load_deep};
use crate::models::score::ModelId;

/// The other side: a process that answers a line with a line.
pub trait Remote: Send {
    /// Waits for the answer.
    ///
    /// # Errors
    /// When there is no other side any more.
    fn ask(&mut self, line: &str) -> io::Result<String>;
}

/// Starts another side.
#[derive(Clone)]
pub struct OpenRemote(pub Arc<dyn Fn() -> io::Result<Box<dyn Remote>> + Send + Sync>);

impl std::fmt::Debug for OpenRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenRemote")
    }
}

#[derive(Serialize, Deserialize)]
enum Loaded {
    Model(ModelId),
    Failed(String),
}

#[derive(Serialize, Deserialize)]
struct Answer {
    outcome: Outcome,
    spent: Vec<Spent>,
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    Readings(Vec<Reading>),
    Failed { reason: String, is_passing: bool },
}

/// What a scorer asks of another process.
pub(super) struct IsolatedParams {
    /// The model it must answer with.
    pub model: Arc<ModelId>,
    /// The languages that model was taught; of any where there are none.
    pub languages: Vec<String>,
    /// Where it loads the model from.
    pub load: LoadParams,
    /// How the process is started.
    pub open: OpenRemote,
}

/// Has its texts read by a process of its own, which is started anew after it ended.
pub(super) struct IsolatedScorer {
    params: IsolatedParams,
    remote: Option<Box<dyn Remote>>,
}

impl IsolatedScorer {
    /// Starts the process and has it load the model.
    ///
    /// # Errors
    /// When it cannot be started, or loads another model.
    pub fn start(params: IsolatedParams) -> Result<Self, InferenceError> {
        let mut scorer = Self { params, remote: None };
        scorer.remote = Some(scorer.open()?);
        Ok(scorer)
    }

    /// Keeps the process where it answers, else ends it.
    fn ask(&mut self, mut remote: Box<dyn Remote>, request: &str) -> Result<Answer, InferenceError> {
        let answer = serde_json::from_str(&remote.ask(request).map_err(gone)?).map_err(unreadable)?;
        self.remote = Some(remote);
        Ok(answer)
    }

    fn open(&self) -> Result<Box<dyn Remote>, InferenceError> {
        let mut remote = (self.params.open.0)().map_err(gone)?;
        let load = serde_json::to_string(&self.params.load).map_err(unreadable)?;
        match serde_json::from_str(&remote.ask(&load).map_err(gone)?).map_err(unreadable)? {
            Loaded::Model(model) if model == *self.params.model => Ok(remote),
            Loaded::Model(model) => Err(InferenceError::Runtime(format!(
                "the files of `{}` have changed to version {}: reload the models",
                model.name, model.version
            ))),
            Loaded::Failed(reason) => Err(InferenceError::Runtime(reason)),
        }
    }
}

impl Scorer for IsolatedScorer {
    fn model(&self) -> &Arc<ModelId> {
        &self.params.model
    }

    fn reads(&self, language: &str) -> bool {
        let languages = &self.params.languages;
        languages.is_empty() || languages.iter().any(|known| known == language)
    }

    /// A process that has ended is replaced, and asked once more: it may have ended before it saw these texts.
    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        let request = serde_json::to_string(texts).map_err(unreadable)?;
        let answer = match self.remote.take().map(|remote| self.ask(remote, &request)) {
            Some(Ok(answer)) => answer,
            None | Some(Err(_)) => {
                let fresh = self.open()?;
                self.ask(fresh, &request)?
            }
        };
        run_times::record(&answer.spent);
        match answer.outcome {
            Outcome::Readings(readings) => Ok(readings),
            Outcome::Failed { reason, is_passing: true } => Err(InferenceError::Runtime(reason)),
            Outcome::Failed { reason, is_passing: false } => Err(InferenceError::Isolated(reason)),
        }
    }
}

fn gone(error: io::Error) -> InferenceError {
    InferenceError::Runtime(format!("the process of the model has ended: {error}"))
}

fn unreadable(error: serde_json::Error) -> InferenceError {
    InferenceError::Runtime(format!("the process of the model cannot be understood: {error}"))
}

/// The other side itself: loads the deep model it is told to, and answers until nobody asks any more.
///
/// # Errors
/// When an answer cannot be written, or a request is none.
pub fn serve(requests: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    let spent = run_times::collect();
    let mut lines = requests.lines();
    let Some(first) = lines.next() else {
        return Ok(());
    };
    let params: LoadParams = serde_json::from_str(&first?)?;
    let mut scorer = match load_deep(&params).and_then(|factory| factory.build()) {
        Ok(scorer) => scorer,
        Err(error) => return say(&mut answers, &Loaded::Failed(error.to_string())),
    };
    say(&mut answers, &Loaded::Model(scorer.model().as_ref().clone()))?;
    for line in lines {
        let texts: Vec<String> = serde_json::from_str(&line?)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = match scorer.score(&texts) {
            Ok(readings) => Outcome::Readings(readings),
            Err(error) => Outcome::Failed { reason: error.to_string(), is_passing: error.is_passing() },
        };
        say(&mut answers, &Answer { outcome, spent: spent.take() })?;
    }
    Ok(())
}

fn say(answers: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *answers, value)?;
    answers.write_all(b"\n")?;
    answers.flush()
}

#[cfg(test)]
mod tests;
