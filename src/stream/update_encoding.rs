//! Encoding of updates, as they are published and as the history stores them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::models::alert::Alert;
use crate::models::live::{AlertChange, Audience, CorrectedPost, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::post::ScoredPost;
use crate::models::principal::Identity;
use crate::models::rollup::{RollupKey, Sums};

/// Part of an update that frames are made from, which is all that reconnecting clients need. It can be decoded as a
/// [`LiveUpdate`].
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Frames<'a> {
    Committed { posts: &'a [ScoredPost], n_posts: u64 },
    Corrected { posts: &'a [CorrectedPost] },
    Alert { change: AlertChange, alert: &'a Alert },
    Missed,
}

/// Part of an update that changes rollups. A subscriber that missed it reads the rollups instead.
#[derive(Default, Serialize, Deserialize)]
struct Changes {
    delta: Vec<(RollupKey, Sums)>,
    places: BTreeMap<String, (f64, f64)>,
}

/// Borrowed form of [`Changes`], used for encoding.
#[derive(Serialize)]
struct ChangesRef<'a> {
    delta: &'a [(RollupKey, Sums)],
    places: &'a BTreeMap<String, (f64, f64)>,
}

/// Encodes an update in two parts: one that is also stored in the history, and one that is only published.
pub(super) fn parts(
    audience: Audience,
    update: &LiveUpdate,
) -> Result<(Vec<u8>, Vec<u8>), serde_json::Error> {
    let no_places = BTreeMap::new();
    let (frames, changes) = match update {
        LiveUpdate::Committed { delta, posts, n_posts, places } => {
            (Frames::Committed { posts, n_posts: *n_posts }, Some(ChangesRef { delta, places }))
        }
        LiveUpdate::Corrected { delta, posts } => {
            (Frames::Corrected { posts }, Some(ChangesRef { delta, places: &no_places }))
        }
        LiveUpdate::Alert { change, alert } => (Frames::Alert { change: *change, alert }, None),
        LiveUpdate::Missed => (Frames::Missed, None),
    };
    let changes = changes.map(|changes| serde_json::to_vec(&changes)).transpose()?;
    let frames = match audience {
        Audience::Everyone => serde_json::to_vec(&frames)?,
        Audience::Only(identity) => serde_json::to_vec(&(identity, frames))?,
    };
    Ok((frames, changes.unwrap_or_default()))
}

/// Decodes the stored part of an update: the update itself if it is for everyone, otherwise a pair of an identity and
/// the update. A version that knows no audiences cannot decode the pair, so it does not deliver it to everyone;
/// nor can it read a page of the history that contains one. Publish such updates only once all processes know them.
pub(super) fn decode(frames: &[u8]) -> Result<(Audience, LiveUpdate), serde_json::Error> {
    if !frames.starts_with(b"[") {
        return Ok((Audience::Everyone, serde_json::from_slice(frames)?));
    }
    let (identity, update): (Identity, LiveUpdate) = serde_json::from_slice(frames)?;
    Ok((Audience::Only(identity), update))
}

/// Decodes an envelope of the form `epoch\noffset\nframes\nchanges`; `None` if it has any other form, for example
/// because a newer version published it.
pub(super) fn open(envelope: &[u8]) -> Option<SequencedUpdate> {
    let mut parts = envelope.splitn(4, |byte| *byte == b'\n');
    let epoch = std::str::from_utf8(parts.next()?).ok()?.to_owned();
    let offset = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let (audience, mut update) = decode(parts.next()?).ok()?;
    let changes = parts.next()?;
    if !changes.is_empty() {
        let changes: Changes = serde_json::from_slice(changes).ok()?;
        match &mut update {
            LiveUpdate::Committed { delta, places, .. } => {
                *delta = changes.delta;
                *places = changes.places;
            }
            LiveUpdate::Corrected { delta, .. } => *delta = changes.delta,
            LiveUpdate::Alert { .. } | LiveUpdate::Missed => {}
        }
    }
    Some(SequencedUpdate { first: FrameId { epoch, offset }, audience, update })
}
