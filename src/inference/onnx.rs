//! A trained network that runs on ONNX Runtime. No other file uses `ort`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::TensorRef;

use super::batch::{self, Batch};
use super::golden::Golden;
use super::heads::{Head, HeadKind};
use super::manifest::{Input, Manifest};
use super::tokenize::{Encoder, Tokenizer, Tokens};
use super::{Batching, InferenceError, LoadParams, Prediction, Tier, model_paths};
use crate::telemetry::{INFERENCE_DECODE_SECONDS, INFERENCE_RUN_SECONDS, INFERENCE_TOKENIZE_SECONDS};

/// The runtime of this process. A library can be loaded only once, so the first one stays even if a later caller names
/// another.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// One copy of a model's files, which any number of sessions share.
pub struct Network {
    manifest: Manifest,
    environment: Environment,
    bytes: Vec<u8>,
    tokenizer: Arc<Tokenizer>,
    heads: Vec<Head>,
    n_threads: usize,
    batching: Batching,
}

impl Network {
    /// Finds a model by name or folder, verifies its files, and keeps the `wanted` heads that it provides.
    ///
    /// # Errors
    /// If the runtime or a file is missing, or a file does not match the manifest.
    pub fn read(params: &LoadParams, name: &Path, wanted: &[HeadKind]) -> Result<Self, InferenceError> {
        let folder = model_paths::find_model(params, name)?;
        let manifest = Manifest::read(&folder)?;
        let mut heads = manifest.heads(&folder)?;
        heads.retain(|head| wanted.contains(&head.kind));
        let golden = Golden::read(&folder)?;
        let network = Self {
            bytes: manifest.model.read(&folder)?,
            tokenizer: Arc::new(Tokenizer::read(&manifest, &folder)?),
            environment: environment(&model_paths::find_runtime(params)?)?,
            heads,
            manifest,
            n_threads: params.threads_per_session.max(1),
            batching: params.batching,
        };
        let mut encoder = network.tokenizer.encoder();
        golden.check_ids(|text| Ok(encoder.encode(text)?.ids))?;
        network.prove(&golden).map_err(|error| match error {
            error @ InferenceError::Disagrees { .. } => error,
            error => InferenceError::Unfit { path: folder, reason: Box::new(error) },
        })?;
        Ok(network)
    }

    /// Returns the manifest in the model's folder.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns whether the network has a head of this kind.
    pub fn has_head(&self, kind: HeadKind) -> bool {
        self.heads.iter().any(|head| head.kind == kind)
    }

    /// Tokenizes a text as a scorer would.
    #[cfg(test)]
    pub fn encode(&self, text: &str) -> Result<Tokens, InferenceError> {
        self.tokenizer.encoder().encode(text)
    }

    /// Creates a scorer for one thread, with its own session.
    pub fn build(self: &Arc<Self>, tier: Tier) -> Result<NetworkScorer, InferenceError> {
        let session = session(&self.environment, &self.bytes, self.n_threads)?;
        Ok(NetworkScorer { session, encoder: self.tokenizer.encoder(), network: Arc::clone(self), tier })
    }

    /// Runs the network on the highest token id at the maximum length, and on the texts with recorded results. A
    /// mismatch between network, tokenizer and manifest thus shows up here rather than on a post.
    fn prove(&self, golden: &Golden) -> Result<(), InferenceError> {
        let mut session = session(&self.environment, &self.bytes, self.n_threads)?;
        let asked: Vec<&str> = session.inputs().iter().map(|input| input.name()).collect();
        let given: Vec<&str> = self.manifest.inputs.iter().map(|input| input.as_str()).collect();
        if let Some(missing) = asked.iter().find(|name| !given.contains(name)) {
            return Err(InferenceError::MissingInput { input: (*missing).to_owned() });
        }
        if let Some(strange) = given.iter().find(|name| !asked.contains(name)) {
            return Err(InferenceError::UnknownInput { input: (*strange).to_owned() });
        }
        let tokens =
            Tokens { ids: vec![self.tokenizer.id_max(); self.manifest.max_tokens], uncertain: false };
        let batch = Batch { indices: vec![0], width: tokens.ids.len() };
        let mut prediction = Prediction::default();
        run(&mut session, self, (&batch, &[tokens]), |head, _, numbers| {
            head.write(numbers, &mut prediction)
        })?;
        let heads: Vec<HeadKind> = self.heads.iter().map(|head| head.kind).collect();
        let mut encoder = self.tokenizer.encoder();
        golden.check_answers(&heads, |text| {
            let tokens = encoder.encode(text)?;
            let batch = Batch { indices: vec![0], width: tokens.ids.len().max(1) };
            let mut prediction = Prediction::default();
            run(&mut session, self, (&batch, &[tokens]), |head, _, numbers| {
                head.write(numbers, &mut prediction)
            })?;
            Ok(prediction)
        })
    }
}

/// A session and an encoder, for use by one thread.
pub struct NetworkScorer {
    session: Session,
    encoder: Encoder,
    network: Arc<Network>,
    tier: Tier,
}

impl NetworkScorer {
    /// Returns the network that the session runs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Scores the texts and writes the network's outputs into each text's prediction.
    ///
    /// # Errors
    /// If the runtime fails or returns a value that is not a probability.
    pub fn read(&mut self, texts: &[&str], predictions: &mut [Prediction]) -> Result<(), InferenceError> {
        let started = Instant::now();
        let mut tokens = Vec::with_capacity(texts.len());
        for text in texts {
            tokens.push(self.encoder.encode(text)?);
        }
        let tier = self.tier.as_str();
        metrics::histogram!(INFERENCE_TOKENIZE_SECONDS, "tier" => tier).record(started.elapsed());
        let lengths: Vec<usize> = tokens.iter().map(|tokens| tokens.ids.len()).collect();
        let batches = match self.network.batching {
            Batching::ByLength => batch::plan(&lengths, self.network.manifest.batch_tokens),
            Batching::AsGiven => batch::as_given(&lengths),
        };
        for batch in batches {
            let write = |head: &Head, index: usize, numbers: &[f32]| {
                predictions.get_mut(index).map_or(Ok(()), |prediction| head.write(numbers, prediction))
            };
            let spent = run(&mut self.session, &self.network, (&batch, &tokens), write)?;
            metrics::histogram!(INFERENCE_RUN_SECONDS, "tier" => tier).record(spent.running);
            metrics::histogram!(INFERENCE_DECODE_SECONDS, "tier" => tier).record(spent.decoding);
        }
        if self.network.has_head(HeadKind::Sentiment) {
            for (prediction, tokens) in predictions.iter_mut().zip(&tokens) {
                prediction.uncertain = tokens.uncertain;
            }
        }
        Ok(())
    }
}

/// Durations of the steps of one batch.
struct BatchTimes {
    running: Duration,
    decoding: Duration,
}

/// Runs one batch and calls `write` for each head and text, with the head, the text's index and its numbers.
fn run(
    session: &mut Session,
    network: &Network,
    (batch, tokens): (&Batch, &[Tokens]),
    mut write: impl FnMut(&Head, usize, &[f32]) -> Result<(), InferenceError>,
) -> Result<BatchTimes, InferenceError> {
    let started = Instant::now();
    let n_texts = batch.indices.len();
    let mut inputs = Vec::with_capacity(network.manifest.inputs.len());
    let rows: Vec<(Input, Vec<i64>)> =
        network.manifest.inputs.iter().map(|input| (*input, fill(*input, network, batch, tokens))).collect();
    for (input, rows) in &rows {
        let tensor =
            TensorRef::from_array_view(([n_texts, batch.width], rows.as_slice())).map_err(runtime)?;
        inputs.push((input.as_str(), SessionInputValue::from(tensor)));
    }
    let outputs = session.run(inputs).map_err(runtime)?;
    let ran = Instant::now();
    for head in &network.heads {
        let numbers = numbers(&outputs, &head.output, n_texts * head.n_numbers())?;
        for (index, numbers) in batch.indices.iter().zip(numbers.chunks_exact(head.n_numbers())) {
            write(head, *index, numbers)?;
        }
    }
    Ok(BatchTimes { running: ran - started, decoding: ran.elapsed() })
}

/// Returns the values of one input for all texts, each row padded to the batch's width.
fn fill(input: Input, network: &Network, batch: &Batch, tokens: &[Tokens]) -> Vec<i64> {
    let mut rows = Vec::with_capacity(batch.indices.len() * batch.width);
    for tokens in batch.indices.iter().filter_map(|index| tokens.get(*index)) {
        let n_tokens = tokens.ids.len();
        let padding = batch.width.saturating_sub(n_tokens);
        match input {
            Input::Ids => {
                rows.extend_from_slice(&tokens.ids);
                rows.extend(std::iter::repeat_n(network.manifest.pad_id, padding));
            }
            Input::Mask => {
                rows.extend(std::iter::repeat_n(1, n_tokens));
                rows.extend(std::iter::repeat_n(0, padding));
            }
            Input::Types => rows.extend(std::iter::repeat_n(0, batch.width)),
        }
    }
    rows
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

/// Creates a session, single-threaded except in measurements. The pipeline runs one scorer per thread, and a pool
/// inside each session would only contend with it.
fn session(environment: &Environment, network: &[u8], n_threads: usize) -> Result<Session, InferenceError> {
    let builder = Session::builder(environment)
        .map_err(runtime)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(runtime)?
        .with_intra_threads(n_threads)
        .map_err(runtime)?
        .with_inter_threads(1)
        .map_err(runtime)?;
    // Without a thread pool, there is nothing to spin for.
    let mut builder = builder.with_intra_op_spinning(n_threads > 1).map_err(runtime)?;
    builder.commit_from_memory(network).map_err(runtime)
}

/// Returns the numbers of an output, after checking how many there are.
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
    Ok(numbers)
}

/// Converts an error from `ort`. The error types differ in what can be recovered; only the message matters here.
fn runtime<R>(error: ort::Error<R>) -> InferenceError {
    InferenceError::Runtime(error.to_string())
}

#[cfg(test)]
#[path = "onnx_tests.rs"]
mod tests;
