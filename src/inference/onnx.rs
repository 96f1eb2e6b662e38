//! A trained network, run by ONNX Runtime. The only file that names `ort`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionOutputs};
use ort::value::TensorRef;

use super::batch::{self, Batch};
use super::manifest::{self, Manifest};
use super::tokenize::Tokenizer;
use super::{InferenceError, LoadParams, Reading, Scorer, ScorerFactory};
use crate::models::score::ModelId;

/// The runtime of this process. A library can be loaded only once, so whichever
/// is found first stays, also when a later caller names another.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Makes [`OnnxScorer`]s from one copy of the files.
pub struct OnnxFactory {
    manifest: Arc<Manifest>,
    environment: Environment,
    network: Vec<u8>,
    tokenizer: Tokenizer,
    model: Arc<ModelId>,
}

impl OnnxFactory {
    /// Loads the runtime and the model of a name or folder, and proves on one text that they answer.
    ///
    /// # Errors
    /// When the runtime or a file is missing, is not the one the manifest was written for, or does not answer.
    pub fn load(params: &LoadParams, name: &Path) -> Result<Self, InferenceError> {
        let folder = manifest::find_model(params, name)?;
        let manifest = Manifest::read(&folder)?;
        let network = manifest.model.read(&folder)?;
        let tokenizer_path = folder.join(&manifest.tokenizer.file);
        let tokenizer =
            Tokenizer::read(&manifest.tokenizer.read(&folder)?, manifest.max_tokens, &tokenizer_path)?;
        if tokenizer.n_ids() != manifest.n_ids {
            let reason = format!("it has {} ids, the network {}", tokenizer.n_ids(), manifest.n_ids);
            return Err(InferenceError::Malformed { path: tokenizer_path, reason });
        }
        let environment = environment(&manifest::find_runtime(params)?)?;
        let model = ModelId {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            hash: manifest.model.sha256.clone(),
        };
        let factory =
            Self { manifest: Arc::new(manifest), environment, network, tokenizer, model: Arc::new(model) };
        factory.scorer()?.score(&["a first text"])?;
        Ok(factory)
    }

    fn scorer(&self) -> Result<OnnxScorer, InferenceError> {
        Ok(OnnxScorer {
            session: session(&self.environment, &self.network)?,
            tokenizer: self.tokenizer.clone(),
            manifest: Arc::clone(&self.manifest),
            model: Arc::clone(&self.model),
        })
    }
}

impl ScorerFactory for OnnxFactory {
    fn model(&self) -> Arc<ModelId> {
        Arc::clone(&self.model)
    }

    fn build(&self) -> Result<Box<dyn Scorer>, InferenceError> {
        Ok(Box::new(self.scorer()?))
    }
}

/// One session and one tokenizer, for one thread.
struct OnnxScorer {
    session: Session,
    tokenizer: Tokenizer,
    manifest: Arc<Manifest>,
    model: Arc<ModelId>,
}

impl Scorer for OnnxScorer {
    fn model(&self) -> &Arc<ModelId> {
        &self.model
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<Reading>, InferenceError> {
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            ids.push(self.tokenizer.encode(text)?);
        }
        let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
        let mut answers = Vec::with_capacity(texts.len());
        for batch in batch::plan(&lengths) {
            let readings = self.run(&batch, &ids)?;
            answers.extend(batch.indices.into_iter().zip(readings));
        }
        // Every index appears once, so sorting by it restores the caller's order.
        answers.sort_unstable_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, reading)| reading).collect())
    }
}

impl OnnxScorer {
    fn run(&mut self, batch: &Batch, ids: &[Vec<i64>]) -> Result<Vec<Reading>, InferenceError> {
        let n_texts = batch.indices.len();
        let mut rows = Vec::with_capacity(n_texts * batch.width);
        for ids in batch.indices.iter().filter_map(|index| ids.get(*index)) {
            rows.extend_from_slice(ids);
            rows.extend(std::iter::repeat_n(self.manifest.pad_id, batch.width.saturating_sub(ids.len())));
        }
        let input = TensorRef::from_array_view(([n_texts, batch.width], rows.as_slice())).map_err(runtime)?;
        let outputs =
            self.session.run(ort::inputs![self.manifest.input.as_str() => input]).map_err(runtime)?;
        let names = &self.manifest.outputs;
        let sentiment = numbers(&outputs, &names.sentiment.name, n_texts * 3)?;
        let emotion = numbers(&outputs, &names.emotion.name, n_texts * 7)?;
        let toxicity = numbers(&outputs, &names.toxicity, n_texts)?;
        let churn_risk = numbers(&outputs, &names.churn_risk, n_texts)?;

        let (sentiment, _) = sentiment.as_chunks::<3>();
        let (emotion, _) = emotion.as_chunks::<7>();
        let heads = sentiment.iter().zip(emotion).zip(toxicity).zip(churn_risk);
        Ok(heads
            .map(|(((sentiment, emotion), toxicity), churn_risk)| Reading {
                sentiment: *sentiment,
                emotion: *emotion,
                toxicity: *toxicity,
                churn_risk: *churn_risk,
                doubtful: false,
            })
            .collect())
    }
}

fn environment(library: &Path) -> Result<Environment, InferenceError> {
    let mut current = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = current.as_ref() {
        return Ok(environment.clone());
    }
    let environment = ort::init_from(library)
        .map_err(|error| InferenceError::Runtime(error.to_string()))?
        .with_name("groundswell")
        .with_telemetry(false)
        .build()
        .map_err(runtime)?;
    Ok(current.insert(environment).clone())
}

/// Single-threaded: the pipeline runs one scorer a thread, and a second pool
/// underneath would only contend with it.
fn session(environment: &Environment, network: &[u8]) -> Result<Session, InferenceError> {
    let builder = Session::builder(environment)
        .map_err(runtime)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(runtime)?
        .with_intra_threads(1)
        .map_err(runtime)?
        .with_inter_threads(1)
        .map_err(runtime)?;
    // Without a pool there is nobody to spin for.
    let mut builder = builder.with_intra_op_spinning(false).map_err(runtime)?;
    builder.commit_from_memory(network).map_err(runtime)
}

/// An output's numbers, checked: as many as expected and all of them finite.
fn numbers<'o>(
    outputs: &'o SessionOutputs<'_>,
    name: &str,
    expected: usize,
) -> Result<&'o [f32], InferenceError> {
    let Some(value) = outputs.get(name) else {
        return Err(InferenceError::WrongShape { output: name.to_owned(), expected, actual: 0 });
    };
    let (_, numbers) = value.try_extract_tensor::<f32>().map_err(runtime)?;
    if numbers.len() != expected {
        return Err(InferenceError::WrongShape { output: name.to_owned(), expected, actual: numbers.len() });
    }
    if !numbers.iter().all(|number| number.is_finite()) {
        return Err(InferenceError::NotFinite);
    }
    Ok(numbers)
}

/// The error types of `ort` differ by what can be recovered; only the message is of use here.
fn runtime<R>(error: ort::Error<R>) -> InferenceError {
    InferenceError::Runtime(error.to_string())
}

#[cfg(test)]
#[path = "onnx_tests.rs"]
mod tests;
