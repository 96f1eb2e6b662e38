//! Posts for benchmarks: real texts, recombined so that none repeats, with unique ids.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::read::GzDecoder;
use jiff::Timestamp;

use super::distinct_texts::Recombiner;
use crate::models::new_post::{AcceptedPost, NewPost};
use crate::models::post::Source;

/// Options that select the texts of a benchmark.
#[derive(Debug, Clone, clap::Args)]
pub struct TextsParams {
    /// Real posts whose texts are recombined into distinct ones
    #[arg(long, value_name = "FILE", default_value = "data/mayweather-mcgregor_tweets.csv.gz")]
    pub texts: PathBuf,
    /// Repeat the original texts instead of recombining them, which also measures the cache
    #[arg(long)]
    pub repeat_texts: bool,
    /// Seed for the recombination; the same seed produces the same texts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Texts from a file of posts, in file order.
pub struct Texts(Vec<String>);

impl Texts {
    /// Reads the `text` column of a gzipped CSV.
    ///
    /// # Errors
    /// If the file is missing or is not a gzipped CSV with this column.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
        let mut csv = String::new();
        GzDecoder::new(file).read_to_string(&mut csv)?;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let column = reader.headers()?.iter().position(|name| name == "text").context("no column `text`")?;
        let mut texts = Vec::new();
        for record in reader.records() {
            texts.extend(record?.get(column).map(str::to_owned));
        }
        anyhow::ensure!(!texts.is_empty(), "`{}` contains no texts", path.display());
        Ok(Self(texts))
    }

    /// Returns the texts in file order.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Endless supply of texts: either distinct ones, or the originals over and over.
pub enum Supply {
    /// Texts that never repeat.
    Distinct {
        /// Recombines the originals.
        recombiner: Box<Recombiner>,
        /// Number of texts taken so far.
        n_taken: usize,
    },
    /// The originals, over and over.
    Repeated {
        /// Texts from the file, in order.
        texts: Vec<String>,
        /// Number of texts taken so far.
        n_taken: usize,
    },
}

impl Supply {
    /// Reads the file and prepares the supply that the parameters select.
    ///
    /// # Errors
    /// If the file is missing or is not a gzipped CSV of posts.
    pub fn open(params: &TextsParams) -> anyhow::Result<Self> {
        let Texts(texts) = Texts::read(&params.texts)?;
        if params.repeat_texts {
            return Ok(Self::Repeated { texts, n_taken: 0 });
        }
        Ok(Self::Distinct { recombiner: Box::new(Recombiner::new(&texts, params.seed)), n_taken: 0 })
    }

    /// Returns the next `n` texts. Generating them uses CPU, so call this before a measurement starts.
    ///
    /// # Errors
    /// If there are too few originals to produce that many distinct texts.
    pub fn take(&mut self, n: usize) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Distinct { recombiner, n_taken } => {
                *n_taken += n;
                (0..n).map(|_| recombiner.next_text()).collect()
            }
            Self::Repeated { texts, n_taken } => {
                let from = *n_taken % texts.len().max(1);
                *n_taken += n;
                Ok(texts.iter().cycle().skip(from).take(n).cloned().collect())
            }
        }
    }

    /// Returns the number of distinct texts taken so far.
    pub fn n_distinct(&self) -> usize {
        match self {
            Self::Distinct { n_taken, .. } => *n_taken,
            Self::Repeated { texts, n_taken } => texts.iter().take(*n_taken).collect::<HashSet<_>>().len(),
        }
    }
}

/// Returns the `n`th post of a run, with an id made of `run` and `n`.
pub fn post(run: &str, n: usize, text: &str) -> NewPost {
    NewPost {
        id: format!("{run}-{n}"),
        platform: "twitter".to_owned(),
        text: text.to_owned(),
        ..NewPost::default()
    }
}

/// Returns the `n`th post of a run in its accepted form, as if it had just arrived.
pub fn accepted(run: &str, n: usize, text: &str) -> AcceptedPost {
    let received_at = Timestamp::now();
    let post = NewPost { created_at: Some(received_at), ..post(run, n, text) };
    AcceptedPost { source: Source::new("bench"), connector: None, received_at, post }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_texts_cycle_and_are_counted_once() {
        let texts = ["a", "b", "a", "c"].map(str::to_owned).to_vec();
        let mut supply = Supply::Repeated { texts, n_taken: 0 };
        assert_eq!(supply.take(3).unwrap(), ["a", "b", "a"]);
        assert_eq!(supply.n_distinct(), 2);
        assert_eq!(supply.take(3).unwrap(), ["c", "a", "b"]);
        assert_eq!(supply.n_distinct(), 3);
    }

    #[test]
    fn distinct_texts_continue_where_they_stopped() {
        let params = TextsParams {
            texts: PathBuf::from("data/mayweather-mcgregor_tweets.csv.gz"),
            repeat_texts: false,
            seed: 3,
        };
        let mut supply = Supply::open(&params).unwrap();
        let taken = [supply.take(100).unwrap(), supply.take(100).unwrap()].concat();
        assert_eq!(supply.n_distinct(), 200);
        assert_eq!(taken, Supply::open(&params).unwrap().take(200).unwrap());
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 200);
    }
}
