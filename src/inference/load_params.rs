//! Settings that choose the models and locate their files and their runtime.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::out_of_process::remote::OpenRemote;

/// Stage of the cascade. Each has its own model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Scores every post as it arrives.
    Swift,
    /// Rescores the posts that the swift tier is uncertain about.
    Deep,
}

impl Tier {
    /// Returns the tier's name in the database, the API and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Swift => "swift",
            Self::Deep => "deep",
        }
    }
}

/// Means by which a tier scores texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelChoice {
    /// Trained models in order of preference: each output comes from the first one that has its head.
    ///
    /// A path that contains a `/` is a folder; any other name is a folder in the weights directory.
    Folders(Vec<PathBuf>),
    /// The compiled-in word list, which must be selected by name.
    Lexicon,
    /// A test model that is driven by keywords and fails on command.
    #[cfg(any(test, debug_assertions, feature = "test-models"))]
    Fake,
    /// No model, so the tier scores nothing.
    Off,
}

impl ModelChoice {
    /// Returns the choice of a single trained model, given by its name or path.
    pub fn named(name: &str) -> Self {
        Self::Folders(vec![PathBuf::from(name)])
    }
}

impl FromStr for ModelChoice {
    /// Message that lists the available models.
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name.trim() {
            "lexicon" => Self::Lexicon,
            #[cfg(any(test, debug_assertions, feature = "test-models"))]
            "fake" => Self::Fake,
            #[cfg(not(any(test, debug_assertions, feature = "test-models")))]
            "fake" => {
                return Err(
                    "exists only in debug builds: choose `swift`, `deep`, `lexicon`, `none` or a model folder",
                );
            }
            "" | "none" => Self::Off,
            names => Self::Folders(
                names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(PathBuf::from).collect(),
            ),
        })
    }
}

/// Which models to load, and where to find their files and their runtime. Every path is optional; [`super::load()`]
/// describes the defaults.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoadParams {
    /// Model of the swift tier, which scores every post.
    pub fast: ModelChoice,
    /// Model of the deep tier, which corrects uncertain scores.
    pub deep: ModelChoice,
    /// Folder that holds one folder per model, if the user set one.
    pub weights_dir: Option<PathBuf>,
    /// Path of the ONNX Runtime library, if the user set one.
    pub runtime_library: Option<PathBuf>,
    /// Path of the running executable. `lib/` and `weights/` are looked up next to it, then in the checkout that it was
    /// built in.
    pub executable: Option<PathBuf>,
    /// Size of each tier's prediction cache in bytes; 0 disables caching.
    pub cache_bytes: usize,
    /// Threads per session. Values above 1 are only for comparison with servers that work that way.
    pub threads_per_session: usize,
    /// How texts are grouped into batches.
    pub batching: Batching,
    /// Function that starts a process to run the deep model; `None` to run the model on the calling thread.
    #[serde(skip)]
    pub open_remote: Option<OpenRemote>,
}

/// How texts are grouped into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batching {
    /// Groups texts of similar length, within the token budget.
    ByLength,
    /// Keeps the caller's order and pads to the longest text. Only for comparisons with servers that work that way.
    AsGiven,
}

impl Default for LoadParams {
    fn default() -> Self {
        Self {
            fast: ModelChoice::named(Tier::Swift.as_str()),
            deep: ModelChoice::named(Tier::Deep.as_str()),
            weights_dir: None,
            runtime_library: None,
            executable: None,
            cache_bytes: 0,
            threads_per_session: 1,
            batching: Batching::ByLength,
            open_remote: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_chosen_by_name_or_folder() {
        let check = |text: &str, expected: ModelChoice| {
            assert_eq!(text.parse::<ModelChoice>().unwrap(), expected, "{text}");
        };
        check("swift", ModelChoice::named("swift"));
        check("lexicon", ModelChoice::Lexicon);
        check("none", ModelChoice::Off);
        check("", ModelChoice::Off);
        check("./mine, deep", ModelChoice::Folders(vec!["./mine".into(), "deep".into()]));
    }
}
