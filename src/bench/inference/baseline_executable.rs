//! Comparison with another executable, such as an older version: both score the same distinct texts in alternation.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{InferenceParams, guess_n_texts};
use crate::bench::medians::medians;
use crate::bench::posts::{Supply, TextsParams};
use crate::inference::{Alone, LoadParams, ModelChoice, load_alone};

const N_ROUNDS: u64 = 3;

/// Factor by which runs are shortened. Two executables, each measured three times, would otherwise take twice as long
/// as one.
const RUNS_ARE_SHORTER: usize = 2;

/// Report that `bench inference` prints when it compares two executables.
#[derive(Serialize)]
struct Report {
    texts_per_round: usize,
    distinct_texts: usize,
    cache_hit_share: f64,
    rounds: u64,
    #[serde(flatten)]
    ours: Speeds,
    baseline: Speeds,
    times_as_fast: Times,
}

/// Median speeds of one executable, in texts per second.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Speeds {
    model: String,
    version: String,
    one_thread_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    two_threads_per_second: Option<f64>,
}

#[derive(Serialize)]
struct Times {
    one_thread: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    two_threads: Option<f64>,
}

/// Runs both executables in separate processes and prints the medians of their speeds.
///
/// Each round uses new texts, the same for both executables. The texts repeat within a round, because an older
/// executable may not support anything else; caches are off.
///
/// # Errors
/// If either executable fails.
pub fn run(params: &InferenceParams, executable: &Path) -> anyhow::Result<()> {
    let Alone { factory, .. } = load_alone(&LoadParams { cache_bytes: 0, ..params.load.clone() })?;
    let mut supply = Supply::open(&TextsParams { repeat_texts: false, ..params.texts.clone() })?;
    let n_texts = match params.n_texts {
        Some(n_texts) => n_texts,
        None => guess_n_texts(factory.as_ref(), &mut supply)? / RUNS_ARE_SHORTER,
    };
    drop(factory);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let n_before = supply.n_distinct();
    for round in 0..N_ROUNDS {
        let texts = TextsFile::write(&supply.take(n_texts)?, round)?;
        let options = options(params, &texts.path, n_texts)?;
        let own = std::env::current_exe()?;
        ours.push(speeds(&own, options.iter().map(String::as_str).chain(["--repeat-texts"]))?);
        theirs.push(speeds(executable, options.iter().map(String::as_str))?);
        for (who, speeds) in [("this", ours.last()), ("baseline", theirs.last())] {
            eprintln!("round {}, {who}: {}", round + 1, speeds.map(Speeds::summary).unwrap_or_default());
        }
    }
    let (ours, baseline) = (medians(&ours)?, medians(&theirs)?);
    let times_as_fast = Times {
        one_thread: ours.one_thread_per_second / baseline.one_thread_per_second,
        two_threads: ours
            .two_threads_per_second
            .zip(baseline.two_threads_per_second)
            .map(|(ours, theirs)| ours / theirs),
    };
    let report = Report {
        texts_per_round: n_texts,
        distinct_texts: supply.n_distinct() - n_before,
        cache_hit_share: 0.0,
        rounds: N_ROUNDS,
        ours,
        baseline,
        times_as_fast,
    };
    crate::bench::print(&report, &report.rows(), params.json)
}

fn options(params: &InferenceParams, texts: &Path, n_texts: usize) -> anyhow::Result<Vec<String>> {
    let ModelChoice::Folders(folders) = &params.load.fast else {
        anyhow::bail!("only a trained model can be compared with that of another executable");
    };
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let options = [
        ("--model", names.join(",")),
        ("--texts", texts.display().to_string()),
        ("--count", n_texts.to_string()),
        ("--threads", params.n_threads.to_string()),
    ];
    Ok(options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect())
}

fn speeds<'a>(executable: &Path, options: impl Iterator<Item = &'a str>) -> anyhow::Result<Speeds> {
    let output = Command::new(executable)
        .args(["bench", "inference", "--json"])
        .args(options)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", executable.display()))?;
    anyhow::ensure!(output.status.success(), "`{}` failed: {}", executable.display(), output.status);
    Speeds::of(&serde_json::from_slice(&output.stdout)?)
}

impl Speeds {
    fn of(report: &Value) -> anyhow::Result<Self> {
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64);
        let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            model: text("model"),
            version: text("version"),
            one_thread_per_second: number("/one_thread/texts_per_second_median")
                .context("the bench reported no figure for one thread")?,
            two_threads_per_second: number("/two_threads/texts_per_second_median"),
        })
    }

    fn summary(&self) -> String {
        let Self { model, version, one_thread_per_second: one, two_threads_per_second: two } = self;
        let two = two.map(|two| format!(", two threads {two:.0}")).unwrap_or_default();
        format!("{model} {version}: one thread {one:.0} texts per second{two}")
    }
}

impl Report {
    fn rows(&self) -> Vec<(&str, String)> {
        let Times { one_thread, two_threads } = &self.times_as_fast;
        let two = two_threads.map(|times| format!(", two threads {times:.2}")).unwrap_or_default();
        vec![
            ("texts", format!("{} distinct, no score cache", self.distinct_texts)),
            ("this", self.ours.summary()),
            ("baseline", self.baseline.summary()),
            ("speedup", format!("one thread {one_thread:.2}{two}")),
        ]
    }
}

/// File of texts in a format that every version can read; deleted when the value is dropped.
struct TextsFile {
    path: PathBuf,
}

impl TextsFile {
    fn write(texts: &[String], round: u64) -> anyhow::Result<Self> {
        let name = format!("groundswell-bench-texts-{}-{round}.csv.gz", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = std::fs::File::create(&path)?;
        let this = Self { path };
        let mut csv = csv::Writer::from_writer(GzEncoder::new(file, Compression::fast()));
        csv.write_record(["text"])?;
        for text in texts {
            csv.write_record([text])?;
        }
        let gzip = csv.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
        gzip.finish()?;
        Ok(this)
    }
}

impl Drop for TextsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::posts::Texts;

    #[test]
    fn written_texts_are_read_back_complete() {
        let texts = ["plain", "with, \"commas\"", "two\nlines", "émoji 🥊"].map(str::to_owned);
        let file = TextsFile::write(&texts, 1_000).unwrap();
        assert_eq!(Texts::read(&file.path).unwrap().as_slice(), texts);
        let path = file.path.clone();
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn the_report_of_an_older_version_is_parsed() {
        let report = serde_json::json!({
            "model": "swift", "version": "1",
            "one_thread": {"texts_per_second_median": 5.0}, "two_threads": {"texts_per_second_median": 9.5},
        });
        let speeds = Speeds::of(&report).unwrap();
        assert_eq!((speeds.one_thread_per_second, speeds.two_threads_per_second), (5.0, Some(9.5)));
        assert!(Speeds::of(&serde_json::json!({})).is_err());
    }
}
