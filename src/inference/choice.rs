//! Which models are to answer, and where they and their runtime lie.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::out_of_process::OpenRemote;

/// One of the two that read posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Reads every post at once.
    Swift,
    /// Reads again what the swift one is unsure of.
    Deep,
}

impl Tier {
    /// The tier as stored, sent and measured.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Swift => "swift",
            Self::Deep => "deep",
        }
    }
}

/// Which model answers in a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelChoice {
    /// Trained models. The first that has a head answers it.
    ///
    /// One with a `/` is a folder; any other is the name of one in the folder of the weights.
    Folders(Vec<PathBuf>),
    /// The word list, asked for by name.
    Lexicon,
    /// Answers by a few key words and fails on command. For tests only.
    Fake,
    /// None.
    Off,
}

impl ModelChoice {
    /// The model of this name.
    pub fn named(name: &str) -> Self {
        Self::Folders(vec![PathBuf::from(name)])
    }
}

impl FromStr for ModelChoice {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name.trim() {
            "lexicon" => Self::Lexicon,
            "fake" => Self::Fake,
            "" | "none" => Self::Off,
            names => Self::Folders(
                names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(PathBuf::from).collect(),
            ),
        })
    }
}

/// Where to look for the models and their runtime. All paths are optional: see [`super::load()`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoadParams {
    /// Which model reads every post.
    pub fast: ModelChoice,
    /// Which model corrects.
    pub deep: ModelChoice,
    /// The folder that holds one folder per model, when the user named one.
    pub weights_dir: Option<PathBuf>,
    /// The ONNX Runtime library, when the user named one.
    pub runtime_library: Option<PathBuf>,
    /// The running executable: `lib/` and `weights/` are looked for beside it, then in the checkout it was built in.
    pub executable: Option<PathBuf>,
    /// Memory of each tier for readings of texts that may come again; 0 reads every text anew.
    pub cache_bytes: usize,
    /// Threads within a session. More than one is only for comparing with servers that work so.
    pub threads_per_session: usize,
    /// Which texts run together.
    pub batching: Batching,
    /// How a process is started that runs the deep model; without it, it runs on the thread that asks.
    #[serde(skip)]
    pub open_remote: Option<OpenRemote>,
}

/// Which texts run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batching {
    /// Those of like length, as many as the token budget allows.
    ByLength,
    /// Those that were given together, padded to the longest. Only for comparing with servers that work so.
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
