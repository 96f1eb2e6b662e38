//! Real texts under names of their own.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use flate2::read::GzDecoder;
use jiff::Timestamp;

use crate::models::new_post::NewPost;
use crate::models::post::{AcceptedPost, Source};

/// The texts of the shipped replay, in their order.
pub struct Texts(Vec<String>);

impl Texts {
    /// Reads the `text` column of a gzipped CSV.
    ///
    /// # Errors
    /// When the file is missing or not of that form.
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
        anyhow::ensure!(!texts.is_empty(), "`{}` holds no texts", path.display());
        Ok(Self(texts))
    }

    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The `n`th post of a run: the texts come round again and again, the ids do not.
    pub fn post(&self, run: &str, n: usize) -> NewPost {
        let text = self.0.get(n % self.0.len()).cloned().unwrap_or_default();
        NewPost { id: format!("{run}-{n}"), platform: "twitter".to_owned(), text, ..NewPost::default() }
    }

    /// The same, accepted now.
    pub fn accepted(&self, run: &str, n: usize) -> AcceptedPost {
        let received_at = Timestamp::now();
        let post = NewPost { created_at: Some(received_at), ..self.post(run, n) };
        AcceptedPost { source: Source::new("bench"), received_at, post }
    }
}
