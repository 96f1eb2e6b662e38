//! Choice of the models, and the paths of their files and their runtime.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::out_of_process::remote::OpenRemote;

/// One of the two models that score posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Scores every post as it arrives.
    Swift,
    /// Rescores the posts that the swift tier is uncertain about.
    Deep,
}

impl Tier {
    /// Returns the tier's name in the database, in API messages and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Swift => "swift",
            Self::Deep => "deep",
        }
    }
}

/// Which model a tier uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelChoice {
    /// Trained models; each output comes from the first that has its head.
    ///
    /// A path with a `/` is a folder; any other names a folder in the weights directory.
    Folders(Vec<PathBuf>),
    /// The word list, selected by name.
    Lexicon,
    /// A keyword-driven test model that fails on command.
    #[cfg(any(test, debug_assertions))]
    Fake,
    /// No model.
    Off,
}

impl ModelChoice {
    /// Parses the name of a model.
    pub fn named(name: &str) -> Self {
        Self::Folders(vec![PathBuf::from(name)])
    }
}

impl FromStr for ModelChoice {
    /// A message that lists the available models.
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name.trim() {
            "lexicon" => Self::Lexicon,
            #[cfg(any(test, debug_assertions))]
            "fake" => Self::Fake,
            #[cfg(not(any(test, debug_assertions)))]
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

/// Settings for loading the models and their runtime. All paths are optional: see [`super::load()`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoadParams {
    /// The model that scores every post.
    pub fast: ModelChoice,
    /// The model that corrects scores.
    pub deep: ModelChoice,
    /// The folder that holds one folder per model, if set by the user.
    pub weights_dir: Option<PathBuf>,
    /// The ONNX Runtime library, if set by the user.
    pub runtime_library: Option<PathBuf>,
    /// The running executable: `lib/` and `weights/` are searched beside it, then in the checkout that it was built
    /// in.
    pub executable: Option<PathBuf>,
    /// Bytes of each tier's cache of predictions; 0 disables it.
    pub cache_bytes: usize,
    /// Threads per session. Values above 1 are only for comparisons with servers that work that way.
    pub threads_per_session: usize,
    /// How texts are grouped into batches.
    pub batching: Batching,
    /// How to start a process that runs the deep model; without it, the model runs on the calling thread.
    #[serde(skip)]
    pub open_remote: Option<OpenRemote>,
}

/// How texts are grouped into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batching {
    /// By similar length, within the token budget.
    ByLength,
    /// In the caller's order, padded to the longest text. Only for comparisons with servers that work that way.
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
