//! State that a position contains: how far each query was searched, and the videos to check again.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::resources::Found;
use super::schedule;
use super::seen::Seen;
use crate::egress::fetch::Version;
use crate::models::source::Checkpoint;

/// Maximum number of videos to check again. At this maximum, the list takes 70 kB in the database, and checking all
/// takes 20 requests. New videos replace the oldest ones.
const VIDEOS_MAX: usize = 1_000;

/// Progress of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Search {
    /// Text that is searched for, as in the settings of the source.
    pub query: String,
    /// Time of the newest video that was found.
    pub after: Timestamp,
    /// Time at which the last complete search began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_at: Option<Timestamp>,
    /// Time of the next search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Number of pages that the last search took.
    #[serde(default)]
    pub n_pages: u64,
    /// Version of the last result, if it was one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
}

/// Video to check again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Video {
    /// Id of the video.
    pub id: String,
    /// Time of publication, or the best estimate of it.
    pub published_at: Timestamp,
    /// Time of the next check.
    pub look_at: Timestamp,
    /// When to read its comments next; `None` if they are not read.
    pub comments_at: Option<Timestamp>,
    /// Time of the newest comment up to which all comments were read.
    pub last_comment_at: Option<Timestamp>,
    /// Whether the video was ever read.
    pub is_read: bool,
    /// Whether the last check did not find it.
    pub is_missing: bool,
    /// Version of its newest comments, if they fit on one page. It is not part of a position.
    pub version: Option<Version>,
}

/// Video as a position contains it, with times in milliseconds.
type StoredVideo = (String, i64, i64, Option<i64>, Option<i64>, u8);

impl Video {
    fn stored(&self) -> StoredVideo {
        let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let flags = u8::from(self.is_read) | u8::from(self.is_missing) << 1;
        (
            self.id.clone(),
            self.published_at.as_millisecond(),
            self.look_at.as_millisecond(),
            milliseconds(self.comments_at),
            milliseconds(self.last_comment_at),
            flags,
        )
    }

    fn read(stored: StoredVideo) -> Option<Self> {
        let (id, published_at, look_at, comments_at, last_comment_at, flags) = stored;
        let time = |at: Option<i64>| at.and_then(|at| Timestamp::from_millisecond(at).ok());
        Some(Self {
            id,
            published_at: time(Some(published_at))?,
            look_at: time(Some(look_at))?,
            comments_at: time(comments_at),
            last_comment_at: time(last_comment_at),
            is_read: flags & 1 != 0,
            is_missing: flags & 2 != 0,
            version: None,
        })
    }
}

/// Videos to check again, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Videos(HashMap<String, Video>);

impl Videos {
    /// Adds a video that a search found, to be read at once. Returns false if it is already known.
    pub(super) fn add(&mut self, found: &Found, now: Timestamp) -> bool {
        if self.0.contains_key(&found.id) {
            return false;
        }
        let video = Video {
            id: found.id.clone(),
            published_at: found.published_at.unwrap_or(now).min(now),
            look_at: now,
            comments_at: None,
            last_comment_at: None,
            is_read: false,
            is_missing: false,
            version: None,
        };
        self.0.insert(found.id.clone(), video);
        if self.0.len() > VIDEOS_MAX {
            // Few videos are unread, because they are read right after the search.
            let read = self.0.values().filter(|video| video.is_read);
            if let Some(oldest) = read.min_by_key(|video| video.published_at).map(|video| video.id.clone()) {
                self.0.remove(&oldest);
            }
        }
        true
    }

    /// Returns the video with an id, for changing it.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Video> {
        self.0.get_mut(id)
    }

    /// Returns the video with an id.
    pub(super) fn get(&self, id: &str) -> Option<&Video> {
        self.0.get(id)
    }

    /// Stops tracking a video.
    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Stops tracking old videos whose comments are no longer read.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|_, video| video.comments_at.is_some() || !schedule::is_old(video.published_at, now));
    }

    /// Returns all videos in the order in which they are due to be checked.
    pub(super) fn by_look(&self) -> Vec<&Video> {
        let mut videos: Vec<_> = self.0.values().collect();
        videos.sort_by(|a, b| (a.look_at, &a.id).cmp(&(b.look_at, &b.id)));
        videos
    }

    /// Returns the video whose comments are due next, with the time.
    pub(super) fn next_comments(&self) -> Option<(Timestamp, &Video)> {
        let due = self.0.values().filter_map(|video| Some((video.comments_at?, video)));
        due.min_by_key(|(at, video)| (*at, &video.id))
    }
}

/// State of the connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub searches: Vec<Search>,
    pub videos: Videos,
    pub seen: Seen,
}

#[derive(Serialize, Deserialize)]
struct StoredState {
    searches: Vec<Search>,
    videos: Vec<StoredVideo>,
    seen: String,
}

impl State {
    /// Restores the state from a position, for this host and these queries.
    pub(super) fn at(position: &Checkpoint, host: &str, queries: &[String]) -> Self {
        let stored = position.state.clone().filter(|_| position.host.as_deref() == Some(host));
        let stored = stored.and_then(|state| serde_json::from_value::<StoredState>(state).ok());
        let (known, videos, seen) = match stored {
            Some(StoredState { searches, videos, seen }) => (searches, videos, Seen::decode(&seen)),
            None => (Vec::new(), Vec::new(), Seen::default()),
        };
        let search = |query: &String| {
            let known = known.iter().find(|search| search.query == *query).cloned();
            known.unwrap_or_else(|| Search {
                query: query.clone(),
                after: position.at,
                searched_at: None,
                due_at: None,
                n_pages: 0,
                version: None,
            })
        };
        let videos = videos.into_iter().filter_map(Video::read).map(|video| (video.id.clone(), video));
        Self { searches: queries.iter().map(search).collect(), videos: Videos(videos.collect()), seen }
    }

    /// Returns the state to store in a position.
    pub(super) fn stored(&self) -> Option<serde_json::Value> {
        let videos = self.videos.by_look().into_iter().map(Video::stored).collect();
        serde_json::to_value(StoredState {
            searches: self.searches.clone(),
            videos,
            seen: self.seen.encoded(),
        })
        .ok()
    }

    /// Returns the time up to which all queries were searched; `None` if there are none.
    pub(super) fn searched_until(&self) -> Option<Timestamp> {
        self.searches.iter().map(|search| search.searched_at.unwrap_or(search.after)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    fn found(number: usize) -> Found {
        let at = NOW - jiff::SignedDuration::from_mins(i64::try_from(number).unwrap());
        Found { id: format!("v{number}"), published_at: Some(at) }
    }

    #[test]
    fn a_position_contains_everything_but_only_for_its_host_and_queries() {
        let queries = ["a".to_owned(), "b".to_owned()];
        let mut state = State::at(&Checkpoint::at(NOW), "https://one.example/", &queries);
        state.videos.add(&found(1), NOW);
        if let Some(video) = state.videos.get_mut("v1") {
            (video.is_read, video.comments_at) = (true, Some(NOW));
        }
        state.seen.is_news(1, 2);
        state.searches[0].after = NOW + jiff::SignedDuration::from_mins(1);
        let host = Some("https://one.example/".to_owned());
        let position = Checkpoint { host, state: state.stored(), ..Checkpoint::at(NOW) };
        assert_eq!(State::at(&position, "https://one.example/", &queries), state);
        let fresh = State::at(&Checkpoint::at(NOW), "https://two.example/", &queries);
        assert_eq!(State::at(&position, "https://two.example/", &queries), fresh);
        let others = State::at(&position, "https://one.example/", &["c".to_owned()]);
        assert_eq!((others.searches[0].after, &others.seen), (NOW, &state.seen));
        assert_eq!(state.searched_until(), Some(NOW));
    }

    #[test]
    fn the_oldest_videos_make_room_for_others() {
        let mut videos = Videos::default();
        for number in 0..VIDEOS_MAX {
            assert!(videos.add(&found(number), NOW) && !videos.add(&found(number), NOW));
            videos.get_mut(&format!("v{number}")).unwrap().is_read = true;
        }
        videos.add(&Found { id: "new".into(), published_at: None }, NOW);
        assert_eq!(videos.0.len(), VIDEOS_MAX);
        assert!(videos.get("new").is_some() && videos.get("v999").is_none() && videos.get("v998").is_some());
    }
}
