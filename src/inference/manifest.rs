//! A model's folder: which files belong together, and where it is found.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{InferenceError, LoadParams};
use crate::models::score::EMOTIONS;

/// The order in which the sentiment head answers.
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];
/// How many folders above the executable may be the checkout it was built in:
/// `target/debug/deps/it-…` is the deepest.
const N_FOLDERS_UP: usize = 4;

/// `manifest.json` of a model's folder. Fields it does not need to run are ignored.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// Such as `swift`.
    pub name: String,
    /// The version of the weights.
    pub version: String,
    /// The network.
    pub model: FileEntry,
    /// The vocabulary and all normalisation.
    pub tokenizer: FileEntry,
    /// The name of the only input: token ids, int64, one row a text.
    pub input: String,
    /// What fills a row to the width of its batch.
    pub pad_id: i64,
    /// Longer texts are read up to here.
    pub max_tokens: usize,
    /// How many ids the network has embeddings for.
    pub n_ids: usize,
    /// The names of the outputs.
    pub outputs: Outputs,
}

/// One file of the folder.
#[derive(Debug, Deserialize)]
pub struct FileEntry {
    /// Its name in the folder.
    pub file: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// The names of the four outputs.
#[derive(Debug, Deserialize)]
pub struct Outputs {
    /// Three probabilities a text.
    pub sentiment: Labelled,
    /// Seven probabilities a text.
    pub emotion: Labelled,
    /// One probability a text.
    pub toxicity: String,
    /// One probability a text.
    pub churn_risk: String,
}

/// An output with several numbers a text.
#[derive(Debug, Deserialize)]
pub struct Labelled {
    /// Its name in the graph.
    pub name: String,
    /// What each number is about, in order.
    pub labels: Vec<String>,
}

impl Manifest {
    /// Reads and checks the manifest of a folder.
    ///
    /// # Errors
    /// When it is missing, malformed, or orders its labels differently from this program.
    pub fn read(folder: &Path) -> Result<Self, InferenceError> {
        let path = folder.join("manifest.json");
        let text =
            fs::read(&path).map_err(|source| InferenceError::Unreadable { path: path.clone(), source })?;
        let malformed = |reason: String| InferenceError::Malformed { path: path.clone(), reason };
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if manifest.outputs.sentiment.labels != SENTIMENTS {
            return Err(malformed(format!("`sentiment` must answer in the order {SENTIMENTS:?}")));
        }
        if manifest.outputs.emotion.labels != EMOTIONS {
            return Err(malformed(format!("`emotion` must answer in the order {EMOTIONS:?}")));
        }
        if manifest.max_tokens == 0 {
            return Err(malformed("`max_tokens` is 0".into()));
        }
        Ok(manifest)
    }
}

impl FileEntry {
    /// The file's bytes, if they are the ones the manifest was written for.
    ///
    /// # Errors
    /// When it is missing, truncated or of another model.
    pub fn read(&self, folder: &Path) -> Result<Vec<u8>, InferenceError> {
        let path = folder.join(&self.file);
        let bytes =
            fs::read(&path).map_err(|source| InferenceError::Unreadable { path: path.clone(), source })?;
        let actual = hex::encode(Sha256::digest(&bytes));
        if actual != self.sha256 {
            return Err(InferenceError::WrongFile { path, expected: self.sha256.clone(), actual });
        }
        Ok(bytes)
    }
}

/// The folder of a model. One with a `/` is that folder; a mere name is looked for in the folder of the weights that
/// the user named, else in `weights/` beside the executable, else in the checkout it was built in.
///
/// # Errors
/// When none of them holds a manifest; a folder that the user named is the only one tried.
pub fn find_model(params: &LoadParams, name: &Path) -> Result<PathBuf, InferenceError> {
    if name.components().count() > 1 || name.is_absolute() {
        return first("the model's folder", vec![name.to_owned()], |folder| {
            folder.join("manifest.json").is_file()
        });
    }
    let folders = match &params.weights_dir {
        Some(folder) => vec![folder.clone()],
        None => beside(params.executable.as_deref(), "weights", "weights"),
    };
    let candidates = folders.into_iter().map(|folder| folder.join(name)).collect();
    first("the model's folder", candidates, |folder| folder.join("manifest.json").is_file())
}

/// The ONNX Runtime library: the one the user named, else in `lib/` beside the executable, else in
/// `.groundswell/lib` of the checkout it was built in.
///
/// # Errors
/// When there is none; a library that the user named is the only one tried.
pub fn find_runtime(params: &LoadParams) -> Result<PathBuf, InferenceError> {
    let candidates = match &params.runtime_library {
        Some(library) => vec![library.clone()],
        None => beside(params.executable.as_deref(), "lib", ".groundswell/lib")
            .into_iter()
            .map(|folder| folder.join("libonnxruntime.so"))
            .collect(),
    };
    first("the ONNX Runtime library (`scripts/fetch-onnxruntime.sh` brings it)", candidates, Path::is_file)
}

/// `here` beside the executable, then `in_checkout` in each folder above that looks like the checkout.
fn beside(executable: Option<&Path>, here: &str, in_checkout: &str) -> Vec<PathBuf> {
    let Some(folder) = executable.and_then(Path::parent) else {
        return Vec::new();
    };
    let above = folder.ancestors().take(N_FOLDERS_UP).filter(|above| above.join("Cargo.toml").is_file());
    std::iter::once(folder.join(here)).chain(above.map(|above| above.join(in_checkout))).collect()
}

fn first(
    what: &'static str,
    candidates: Vec<PathBuf>,
    fits: impl Fn(&Path) -> bool,
) -> Result<PathBuf, InferenceError> {
    match candidates.iter().find(|candidate| fits(candidate)) {
        Some(found) => Ok(found.clone()),
        None => Err(InferenceError::NotFound { what, looked: candidates }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    fn params(executable: PathBuf) -> LoadParams {
        LoadParams { executable: Some(executable), ..LoadParams::default() }
    }

    #[test]
    fn what_lies_beside_the_executable_comes_before_the_checkout() {
        let root = tempfile::tempdir().unwrap();
        let executable = root.path().join("target/debug/groundswell");
        touch(&root.path().join("Cargo.toml"));
        touch(&root.path().join(".groundswell/lib/libonnxruntime.so"));
        touch(&root.path().join("weights/swift/manifest.json"));
        let params = params(executable);
        assert_eq!(find_runtime(&params).unwrap(), root.path().join(".groundswell/lib/libonnxruntime.so"));
        assert_eq!(find_model(&params, Path::new("swift")).unwrap(), root.path().join("weights/swift"));

        touch(&root.path().join("target/debug/lib/libonnxruntime.so"));
        assert_eq!(find_runtime(&params).unwrap(), root.path().join("target/debug/lib/libonnxruntime.so"));
    }

    #[test]
    fn a_library_that_the_user_named_is_the_only_one_tried() {
        let root = tempfile::tempdir().unwrap();
        let executable = root.path().join("groundswell");
        touch(&root.path().join("lib/libonnxruntime.so"));
        let named = root.path().join("elsewhere.so");
        let params = LoadParams { runtime_library: Some(named.clone()), ..params(executable) };
        let error = find_runtime(&params).unwrap_err();
        assert!(matches!(&error, InferenceError::NotFound { looked, .. } if *looked == [named]), "{error}");
    }

    #[test]
    fn a_truncated_file_is_not_taken_for_the_model() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("model.onnx"), "half").unwrap();
        let entry = FileEntry { file: "model.onnx".into(), sha256: hex::encode(Sha256::digest("whole")) };
        assert!(matches!(entry.read(root.path()), Err(InferenceError::WrongFile { .. })));
    }

    #[test]
    fn labels_in_another_order_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let manifest = r#"{"name":"x","version":"1","model":{"file":"m","sha256":""},"tokenizer":{"file":"t","sha256":""},
            "input":"ids","pad_id":0,"max_tokens":8,"n_ids":9,"outputs":{"sentiment":{"name":"s","labels":["positive","neutral","negative"]},
            "emotion":{"name":"e","labels":[]},"toxicity":"t","churn_risk":"c"}}"#;
        fs::write(root.path().join("manifest.json"), manifest).unwrap();
        let error = Manifest::read(root.path()).unwrap_err();
        assert!(error.to_string().contains("sentiment"), "{error}");
    }
}
