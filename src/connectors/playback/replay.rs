//! Real posts from a file, with timestamps shifted to the present.
//!
//! The file is NDJSON, or CSV with columns named after the fields of a post; either may be gzipped. The timeline is
//! shifted so that the first post happens now, and `original_created_at` keeps the original time.

mod csv; // CSV rows → posts
mod input; // plain or gzipped, NDJSON or CSV

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::models::new_post::NewPost;
use crate::models::post::Source;

use super::{Item, Playback, TimedPost};
use input::Input;

/// Interval between posts without a timestamp, and between two rounds.
const STEP: Duration = Duration::from_millis(100);

/// Which file to replay, how fast and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayFileParams {
    /// Path of the file to replay.
    pub file: PathBuf,
    /// Factor by which the original timeline is sped up; more than 0.
    pub speed: f64,
    /// Whether to start over at the end of the file.
    pub loop_forever: bool,
    /// Suffix added to every id, which distinguishes the posts of this run from those of earlier runs. If empty, ids
    /// stay unchanged.
    pub run: String,
}

/// Reads a file of posts, once or in an endless loop.
///
/// Sending a post again does not make it a new post, so each run and each round renames its posts: `17` becomes
/// `17~k3x9` in the run `k3x9`, and `17~k3x9.2` in the second round of that run. Without a run name, the ids are `17`
/// and `17~2`.
pub struct Replay {
    params: ReplayFileParams,
    input: Input,
    /// Size of the file in bytes, for reporting progress.
    n_bytes: u64,
    /// Number of the current round, starting at 1.
    round: u64,
    /// Timestamp of the first post in the file.
    first: Option<Timestamp>,
    /// Times at which this round began and its last post was due, on the playback's clock.
    round_begun: Duration,
    last: Duration,
    n_posts_in_round: u64,
}

impl Replay {
    /// Opens the file and detects its format. Fails if it is neither NDJSON nor a CSV with the columns `id` and `text`.
    pub fn open(params: ReplayFileParams) -> anyhow::Result<Self> {
        anyhow::ensure!(
            params.speed.is_finite() && params.speed > 0.0,
            "the speed is {} but must be more than 0",
            params.speed
        );
        let n_bytes = n_bytes(&params.file)?;
        let input = Input::open(&params.file)?;
        Ok(Self {
            params,
            input,
            n_bytes,
            round: 1,
            first: None,
            round_begun: Duration::ZERO,
            last: Duration::ZERO,
            n_posts_in_round: 0,
        })
    }

    /// Returns the columns of a CSV file that are ignored because they are not fields of a post.
    pub fn ignored_columns(&self) -> &[String] {
        self.input.ignored_columns()
    }

    fn timed(&mut self, line: u64, mut post: NewPost) -> TimedPost {
        let at = match post.created_at.take() {
            Some(created_at) => {
                let first = *self.first.get_or_insert(created_at);
                post.original_created_at.get_or_insert(created_at);
                let since = Duration::try_from(created_at.duration_since(first)).unwrap_or_default();
                self.round_begun
                    + Duration::try_from_secs_f64(since.as_secs_f64() / self.params.speed)
                        .unwrap_or(Duration::MAX / 2)
            }
            None => self.last + self.step(),
        };
        // A line that is out of order is due now, not in the past.
        self.last = self.last.max(at);
        self.n_posts_in_round += 1;
        let suffix = self.suffix();
        post.id.push_str(&suffix);
        if let Some(parent_id) = &mut post.parent_id {
            parent_id.push_str(&suffix);
        }
        TimedPost { at: self.last, line, post }
    }

    fn suffix(&self) -> String {
        match (self.params.run.as_str(), self.round) {
            ("", 1) => String::new(),
            ("", round) => format!("~{round}"),
            (run, 1) => format!("~{run}"),
            (run, round) => format!("~{run}.{round}"),
        }
    }

    fn step(&self) -> Duration {
        STEP.div_f64(self.params.speed.max(0.001))
    }
}

impl Playback for Replay {
    fn source(&self) -> &'static str {
        Source::REPLAY
    }

    fn next_item(&mut self) -> anyhow::Result<Option<Item>> {
        loop {
            match self.input.next_line()? {
                Some((line, Ok(post))) => return Ok(Some(Item::Post(Box::new(self.timed(line, post))))),
                Some((line, Err(rejection))) => return Ok(Some(Item::Bad { line, rejection })),
                // A file that contains no posts would loop forever.
                None if !self.params.loop_forever || self.n_posts_in_round == 0 => return Ok(None),
                None => {
                    self.input = Input::open(&self.params.file)?;
                    self.round += 1;
                    self.n_posts_in_round = 0;
                    self.round_begun = self.last + self.step();
                    self.last = self.round_begun;
                }
            }
        }
    }

    fn position(&self) -> Option<(u64, u64)> {
        Some((self.input.n_bytes_read().min(self.n_bytes), self.n_bytes))
    }
}

/// Returns a short name for a run, which is unique because it is derived from the start time.
pub fn run_name(begun_at: Timestamp) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut left = begun_at.as_millisecond().unsigned_abs();
    let mut name = Vec::new();
    while left > 0 {
        let digit = usize::try_from(left % 36).unwrap_or_default();
        name.extend(DIGITS.get(digit).map(|digit| char::from(*digit)));
        left /= 36;
    }
    name.into_iter().rev().collect()
}

fn n_bytes(file: &Path) -> anyhow::Result<u64> {
    let found = std::fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    anyhow::ensure!(found.is_file(), "`{}` is not a file", file.display());
    Ok(found.len())
}
