//! Events in order of `seq`, and where a cursor points.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::event::HostEvent;
use super::fault::Notice;

/// The smallest cursor that is a time in microseconds and not a `seq`.
const FIRST_TIME_CURSOR: i64 = 1_000_000_000_000_000;

/// An event with its place in the log.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    /// When the host witnessed it, in microseconds since 1970; rises with `seq`.
    pub(super) witnessed_us: i64,
    pub(super) event: HostEvent,
}

/// All events that the host has not forgotten.
#[derive(Debug)]
pub(super) struct Log {
    entries: VecDeque<Arc<Entry>>,
    floor: u64,
    next_seq: u64,
    last_us: i64,
}

/// Where a stream starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) seq: u64,
    /// What v2 tells the client first, because it cannot have what it asked for.
    pub(super) notice: Option<(Notice, String)>,
}

/// Why a cursor leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CursorError {
    Invalid(String),
    TooOld(String),
}

impl Log {
    pub(super) fn starting_at(seq: u64) -> Self {
        Self { entries: VecDeque::new(), floor: seq, next_seq: seq, last_us: 0 }
    }

    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    pub(super) fn append(&mut self, event: HostEvent) -> u64 {
        let seq = self.next_seq;
        // Strictly, unless a test sets times itself, so that a time tells two events apart.
        let now =
            event.witnessed_us.unwrap_or_else(|| Timestamp::now().as_microsecond().max(self.last_us + 1));
        let witnessed_us = now.max(self.last_us);
        self.entries.push_back(Arc::new(Entry { seq, witnessed_us, event }));
        self.next_seq += 1;
        self.last_us = witnessed_us;
        seq
    }

    pub(super) fn skip(&mut self, n: u64) {
        self.next_seq += n;
    }

    pub(super) fn forget_before(&mut self, seq: u64) {
        self.floor = self.floor.max(seq);
        let below = self.index_of(self.floor);
        self.entries.drain(..below);
    }

    /// Up to `limit` events from `seq` on.
    pub(super) fn read(&self, seq: u64, limit: usize) -> Vec<Arc<Entry>> {
        let first = self.index_of(seq);
        let last = self.entries.len().min(first + limit);
        self.entries.range(first..last).cloned().collect()
    }

    /// Where a client of v2 starts: too old a `seq` is an error, too old a time is clamped and announced.
    pub(super) fn start_v2(&self, cursor: Option<&str>) -> Result<Start, CursorError> {
        let Some(cursor) = parse(cursor)? else {
            return Ok(self.live());
        };
        if cursor >= FIRST_TIME_CURSOR {
            return Ok(self.start_at_time(cursor));
        }
        let seq = cursor as u64;
        if seq < self.floor {
            let floor = self.floor;
            return Err(CursorError::TooOld(format!(
                "cursor {seq} is older than the retention floor, seq {floor}"
            )));
        }
        if seq > self.next_seq {
            let message = format!("cursor {seq} is ahead of this archive; starting at the live tip");
            return Ok(Start { notice: Some((Notice::FutureCursor, message)), ..self.live() });
        }
        Ok(Start { seq, notice: None })
    }

    /// Where a client of v1 starts: at the cursor, or at the oldest event without a word. `has_seqs` is whether small
    /// cursors are numbers, which hosts of the first release do not know.
    pub(super) fn start_v1(&self, cursor: Option<&str>, has_seqs: bool) -> Result<Start, CursorError> {
        let Some(cursor) = parse(cursor)? else {
            return Ok(self.live());
        };
        if has_seqs && cursor < FIRST_TIME_CURSOR {
            let seq = (cursor as u64).clamp(self.floor, self.next_seq);
            return Ok(Start { seq, notice: None });
        }
        Ok(Start { notice: None, ..self.start_at_time(cursor) })
    }

    fn start_at_time(&self, time_us: i64) -> Start {
        let index = self.entries.partition_point(|entry| entry.witnessed_us < time_us);
        let Some(entry) = self.entries.get(index) else {
            return self.live();
        };
        let is_clamped = index == 0 && entry.witnessed_us > time_us;
        let message = format!("the archive begins after the requested time; starting at seq {}", entry.seq);
        Start { seq: entry.seq, notice: is_clamped.then_some((Notice::OutdatedCursor, message)) }
    }

    fn live(&self) -> Start {
        Start { seq: self.next_seq, notice: None }
    }

    fn index_of(&self, seq: u64) -> usize {
        self.entries.partition_point(|entry| entry.seq < seq)
    }
}

fn parse(cursor: Option<&str>) -> Result<Option<i64>, CursorError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else {
        return Ok(None);
    };
    match cursor.parse::<i64>() {
        Ok(value) if value >= 0 => Ok(Some(value)),
        _ => Err(CursorError::Invalid(format!("invalid cursor: {cursor:?}"))),
    }
}
