//! One client: which frames are next, and what goes wrong with them.

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::encode;
use super::fault::{Disconnect, Fault, Silence};
use super::record::Version;
use super::stream::{DELIVERY, Over, Stream, until_down};
use crate::support::websocket as wire;
use crate::support::websocket::reader::Incoming;

/// How many events are written at once. At 500 bytes each, far more than one system call costs.
const BATCH: usize = 256;

/// A frame with the `seq` of its event.
type Frame = (u64, String);

impl Stream {
    /// Sends the `#info` frames that come first.
    pub(super) fn announce(&mut self) {
        if self.params.version == Version::V1 {
            return;
        }
        let mut notices: Vec<_> = self.params.start.notice.take().into_iter().collect();
        for fault in &self.params.faults {
            if let Fault::Inform(notice) = fault {
                notices.push((*notice, format!("starting at seq {}", self.cursor)));
            }
        }
        for (notice, message) in notices {
            self.push(&encode::info(notice.name(), &message));
        }
    }

    fn has(&self, wanted: fn(&Fault) -> bool) -> bool {
        self.params.faults.iter().any(wanted)
    }

    /// The number of frames after which the next fault strikes.
    fn next_step(&self) -> Option<u64> {
        self.params.faults.iter().filter_map(frames_before).min()
    }

    /// Lets the faults strike whose time has come.
    pub(super) async fn step_due(&mut self, incoming: &mut UnboundedReceiver<Incoming>) -> Result<(), Over> {
        loop {
            let is_due = |fault: &Fault| frames_before(fault).is_some_and(|frames| frames <= self.sent);
            let Some(index) = self.params.faults.iter().position(is_due) else {
                return Ok(());
            };
            if matches!(self.params.faults[index], Fault::ResetInside(_)) {
                return self.reset_inside().await;
            }
            self.flush().await?;
            match self.params.faults.remove(index) {
                Fault::ResetAfter(_) => self.disconnect(Disconnect::Reset, incoming).await?,
                Fault::CloseAfter { code, .. } => self.disconnect(Disconnect::Close(code), incoming).await?,
                Fault::ErrorAfter { name, .. } => self.disconnect(Disconnect::Error(name), incoming).await?,
                _ => {}
            }
        }
    }

    /// Sends the first half of a frame, as soon as there is one.
    async fn reset_inside(&mut self) -> Result<(), Over> {
        let Some((_, text)) = self.collect(1).into_iter().next() else {
            return Ok(());
        };
        self.flush().await?;
        self.push(&text);
        self.out.truncate(self.out.len() / 2);
        self.sent -= 1;
        self.flush().await?;
        self.reset().await
    }

    /// How many frames may be sent before something else is due.
    pub(super) fn limit(&self) -> usize {
        let until_step = self.next_step().map_or(BATCH, |frames| frames.saturating_sub(self.sent) as usize);
        let is_paced = self.has(|fault| matches!(fault, Fault::Pace(_)));
        let limit = until_step.min(if is_paced { 1 } else { BATCH });
        match self.is_swapped() {
            true if limit > 0 => limit.max(2),
            _ => limit,
        }
    }

    fn is_swapped(&self) -> bool {
        self.has(|fault| matches!(fault, Fault::Swapped))
    }

    /// The next frames that the client wants.
    pub(super) fn collect(&mut self, limit: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        if self.silence() != Silence::Off || self.params.waits_for_hello {
            return frames;
        }
        while frames.len() < limit {
            let entries = self.params.shared.state().log.read(self.cursor, limit - frames.len());
            let Some(last) = entries.last() else {
                break;
            };
            self.cursor = last.seq + 1;
            for entry in &entries {
                if !self.params.filter.wants(&entry.event) {
                    continue;
                }
                let mut text = String::with_capacity(512);
                match self.params.version {
                    Version::V1 => encode::v1(entry, self.params.has_seqs, &mut text),
                    Version::V2 => encode::v2(entry, &mut text),
                }
                if !text.is_empty() && self.params.filter.max_bytes.is_none_or(|max| text.len() <= max) {
                    frames.push((entry.seq, text));
                }
            }
        }
        if self.is_swapped() && limit > 1 {
            if frames.len() % 2 == 1 {
                self.cursor = frames.pop().map_or(self.cursor, |(seq, _)| seq);
            }
            frames.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
        frames
    }

    pub(super) async fn write(&mut self, frames: Vec<Frame>) -> Result<(), Over> {
        let pace = self.params.faults.iter().find_map(|fault| match fault {
            Fault::Pace(pace) => Some(*pace),
            _ => None,
        });
        let is_twice = self.has(|fault| matches!(fault, Fault::Twice));
        for (_, text) in &frames {
            for _ in 0..if is_twice { 2 } else { 1 } {
                self.push(text);
            }
            if let Some(pace) = pace {
                tokio::time::sleep(pace).await;
                self.flush().await?;
            }
        }
        self.flush().await?;
        let (Some((first, _)), Some((last, _))) = (frames.first(), frames.last()) else {
            return Ok(());
        };
        let mut record = self.record();
        record.first_seq.get_or_insert(*first);
        record.last_seq = Some(*last);
        Ok(())
    }

    /// Adds a data frame to what is sent next.
    pub(super) fn push(&mut self, text: &str) {
        self.sent += 1;
        let make = if self.has(|fault| matches!(fault, Fault::Fragmented)) {
            wire::fragments
        } else {
            wire::message
        };
        match &self.params.compression {
            Some(it) => make(wire::BINARY, &(it.compress)(it.id, text.as_bytes()), &mut self.out),
            None => make(wire::TEXT, text.as_bytes(), &mut self.out),
        }
    }

    /// Sends what was pushed. The client may take as long as the options allow; a reset or the shutdown interrupts it.
    pub(super) async fn flush(&mut self) -> Result<(), Over> {
        let patience = self.params.shared.options.write_timeout;
        let is_reset = {
            let too_long = tokio::time::sleep(patience.unwrap_or_default());
            tokio::pin!(too_long);
            let writing = self.half.write_all(&self.out);
            tokio::pin!(writing);
            loop {
                tokio::select! {
                    biased;
                    written = &mut writing => break written.map(|()| false).map_err(|_| Over)?,
                    Ok(how) = self.interrupts.recv(), if self.interrupted.is_none() => match how {
                        Disconnect::Reset => break true,
                        _ => self.interrupted = Some(how),
                    },
                    () = &mut too_long, if patience.is_some() => return Err(Over),
                    () = until_down(&mut self.shutdown) => {
                        let last_chance = tokio::time::timeout(DELIVERY, &mut writing).await;
                        break last_chance.map_err(|_| Over)?.map(|()| false).map_err(|_| Over)?;
                    }
                }
            }
        };
        if is_reset {
            return self.reset().await;
        }
        self.out.clear();
        let sent = self.sent;
        self.record().frames = sent;
        Ok(())
    }
}

/// The number of frames after which a fault strikes, if it waits for any.
fn frames_before(fault: &Fault) -> Option<u64> {
    match fault {
        Fault::ResetAfter(frames) | Fault::ResetInside(frames) => Some(*frames),
        Fault::CloseAfter { frames, .. } | Fault::ErrorAfter { frames, .. } => Some(*frames),
        _ => None,
    }
}
