//! Parses posts as the API describes them: <https://docs.x.com/x-api/fundamentals/data-dictionary>.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connectors::item_fields::bounded;
use crate::models::new_post::{Geo, MAX_TEXT_CHARS, NewPost, is_language_tag};
use crate::models::post::{Author, Engagement};

/// Query parameters that select the fields of posts, authors and places.
pub(super) const FIELDS: [(&str, &str); 4] = [
    (
        "tweet.fields",
        "created_at,lang,public_metrics,referenced_tweets,edit_history_tweet_ids,note_tweet,geo,author_id",
    ),
    ("expansions", "author_id,geo.place_id"),
    ("user.fields", "username,location,public_metrics"),
    ("place.fields", "name,place_type,country_code"),
];

/// Earliest time that an id can contain, in milliseconds since 1970.
const ID_EPOCH_MS: u64 = 1_288_834_974_657;

/// Number of bits of an id below its time.
const ID_TIME_SHIFT: u32 = 22;

/// Earliest plausible time of a post, when X was founded.
const EARLIEST: Timestamp = Timestamp::constant(1_142_899_200, 0);

/// Maximum time by which X's clock may be ahead.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Maximum plausible count.
const COUNT_MAX: i64 = 1_000_000_000_000;

/// Post that X delivered, which it charges for even if it cannot be parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Delivered {
    /// Id of this version of the post; `None` if it cannot be read.
    pub version: Option<u64>,
    pub content: Content,
}

/// Content of a delivered post.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A post, or a later version of it.
    Post(Box<NewPost>),
    /// A repost at this time, which does not count as a post.
    Repost(Timestamp),
    /// Content that cannot be parsed.
    Unreadable,
}

impl Content {
    /// Returns the time at which it was written; `None` if it cannot be read.
    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Post(post) => post.created_at,
            Self::Repost(at) => Some(*at),
            Self::Unreadable => None,
        }
    }
}

/// Authors and places that posts refer to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Includes<'a> {
    #[serde(borrow, default)]
    users: Vec<User<'a>>,
    #[serde(borrow, default)]
    places: Vec<Place<'a>>,
}

impl<'a> Includes<'a> {
    /// Parses authors and places. If one cannot be parsed, the posts that refer to it are kept without it.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    username: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    location: Option<Cow<'a, str>>,
    #[serde(default)]
    public_metrics: Option<UserMetrics>,
}

#[derive(Debug, Deserialize)]
struct UserMetrics {
    followers_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    place_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    country_code: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Post<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(borrow, default)]
    author_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    lang: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    note_tweet: Option<Note<'a>>,
    #[serde(default)]
    public_metrics: Option<Metrics>,
    #[serde(borrow, default)]
    referenced_tweets: Option<Vec<Reference<'a>>>,
    #[serde(borrow, default)]
    edit_history_tweet_ids: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    geo: Option<PostGeo<'a>>,
}

/// Full text of a post that is longer than 280 characters.
#[derive(Debug, Deserialize)]
struct Note<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Metrics {
    retweet_count: Option<i64>,
    quote_count: Option<i64>,
    reply_count: Option<i64>,
    like_count: Option<i64>,
    impression_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Reference<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct PostGeo<'a> {
    #[serde(borrow, default)]
    place_id: Option<Cow<'a, str>>,
    #[serde(default)]
    coordinates: Option<Coordinates>,
}

#[derive(Debug, Deserialize)]
struct Coordinates {
    /// Longitude and latitude, as in GeoJSON.
    #[serde(default)]
    coordinates: Option<(f64, f64)>,
}

/// Parses a post.
pub(super) fn read(raw: &str, includes: &Includes<'_>, now: Timestamp) -> Delivered {
    let version = serde_json::from_str::<Id<'_>>(raw).ok().and_then(|it| number(&it.id));
    let post = serde_json::from_str::<Post<'_>>(raw).ok();
    let content = version.zip(post).and_then(|(version, post)| post.content(version, includes, now));
    Delivered { version, content: content.unwrap_or(Content::Unreadable) }
}

/// Parses an id.
pub(super) fn number(id: &str) -> Option<u64> {
    let is_number = (1..=19).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| id.parse().ok()).flatten()
}

/// Returns the time at which the post with an id was written.
pub(super) fn time_of(id: u64) -> Option<Timestamp> {
    let ms = (id >> ID_TIME_SHIFT).checked_add(ID_EPOCH_MS)?;
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

/// Returns the id that lies this much earlier than another one; the same id if it contains no time.
pub(super) fn earlier(id: u64, by: std::time::Duration) -> u64 {
    let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    ms.checked_mul(1 << ID_TIME_SHIFT).and_then(|ids| id.checked_sub(ids)).unwrap_or(id)
}

impl Post<'_> {
    fn content(self, version: u64, includes: &Includes<'_>, now: Timestamp) -> Option<Content> {
        let at = self.created_at.or_else(|| time_of(version))?;
        if at < EARLIEST || at.duration_since(now) > AHEAD_MAX {
            return None;
        }
        // A post cannot have been received before it was written, even if our clock says so.
        let at = at.min(now);
        let references = self.referenced_tweets.as_deref().unwrap_or_default();
        if references.iter().any(|reference| reference.kind == "retweeted") {
            return Some(Content::Repost(at));
        }
        let parent = references.iter().find(|reference| reference.kind == "replied_to");
        let text = self.note_tweet.as_ref().map_or(&self.text, |note| &note.text);
        let text = bounded(&text.replace('\0', ""), MAX_TEXT_CHARS);
        if text.trim().is_empty() {
            return None;
        }
        let user = includes.users.iter().find(|user| Some(&user.id) == self.author_id.as_ref());
        let handle = user.and_then(|user| user.username.as_deref()).filter(|name| is_handle(name));
        // Every version has its own id. The first version identifies the post.
        let first = self.edit_history_tweet_ids.as_deref().and_then(|versions| versions.first());
        let id = first.and_then(|id| number(id)).unwrap_or(version);
        Some(Content::Post(Box::new(NewPost {
            id: id.to_string(),
            platform: "x".to_owned(),
            text,
            lang: self.lang.as_deref().and_then(language),
            created_at: Some(at),
            geo: self.geo(includes),
            url: Some(format!("https://x.com/{}/status/{}", handle.unwrap_or("i"), self.id)),
            parent_id: parent.and_then(|parent| number(&parent.id)).map(|id| id.to_string()),
            engagement: self.public_metrics.map(Metrics::engagement),
            author: self.author_id.as_deref().and_then(number).map(|id| Author {
                id: Some(id.to_string()),
                handle: handle.map(str::to_owned),
                followers: user.and_then(|user| count(user.public_metrics.as_ref()?.followers_count)),
                location: user.and_then(|user| words(user.location.as_deref(), 64)),
            }),
            ..NewPost::default()
        })))
    }

    fn geo(&self, includes: &Includes<'_>) -> Option<Geo> {
        let geo = self.geo.as_ref()?;
        let place = includes.places.iter().find(|place| Some(&place.id) == geo.place_id.as_ref());
        let is_city = place.is_some_and(|place| place.place_type.as_deref() == Some("city"));
        let name = place.and_then(|place| place.name.as_deref()).filter(|_| is_city);
        let point = geo.coordinates.as_ref().and_then(|it| it.coordinates);
        let point = point.filter(|(lon, lat)| (-180.0..=180.0).contains(lon) && (-90.0..=90.0).contains(lat));
        let found = Geo {
            city: words(name, 32),
            country: place.and_then(|place| words(place.country_code.as_deref(), 2)),
            lat: point.map(|(_, lat)| lat),
            lon: point.map(|(lon, _)| lon),
        };
        (found != Geo::default()).then_some(found)
    }
}

impl Metrics {
    fn engagement(self) -> Engagement {
        let shares = [self.retweet_count, self.quote_count].into_iter().filter_map(count);
        Engagement {
            likes: count(self.like_count),
            shares: self.retweet_count.and_then(|_| count(Some(shares.sum()))),
            comments: count(self.reply_count),
            views: count(self.impression_count),
        }
    }
}

fn count(count: Option<i64>) -> Option<i64> {
    count.filter(|count| (0..=COUNT_MAX).contains(count))
}

/// Converts X's language tag to a current ISO 639 code; `None` for X's own tags, which mark texts without a language.
fn language(tag: &str) -> Option<String> {
    let tag = match tag {
        "und" | "zxx" => return None,
        "in" => "id",
        "iw" => "he",
        tag => tag,
    };
    let is_of_x = tag.len() == 3 && tag.starts_with('q');
    (is_language_tag(tag) && tag.len() <= 35 && !is_of_x).then(|| tag.to_owned())
}

fn is_handle(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns at most `chars_max` characters of a text, without null characters; `None` if nothing remains.
fn words(text: Option<&str>, chars_max: usize) -> Option<String> {
    let text = bounded(&text?.replace('\0', ""), chars_max);
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
