//! Conversion of CSV rows to posts.
//!
//! A row is first converted to the JSON object that it represents, and then parsed like any other post, so the same
//! rules and messages apply.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value};

use crate::models::new_post::{self, NewPost, Rejection};

/// Recognised column names, and the field that each represents.
const COLUMNS: [(&[&str], &str); 21] = [
    (&["id", "tweet_id", "post_id"], "id"),
    (&["platform"], "platform"),
    (&["text", "content", "message"], "text"),
    (&["created_at", "date", "timestamp"], "created_at"),
    (&["lang", "language"], "lang"),
    (&["product"], "product"),
    (&["channel"], "channel"),
    (&["url"], "url"),
    (&["parent_id", "in_reply_to"], "parent_id"),
    (&["author", "author.id", "author_id", "user"], "author.id"),
    (&["author.handle", "author_handle"], "author.handle"),
    (&["author.followers", "author_followers", "followers"], "author.followers"),
    (&["author.location", "author_location", "location"], "author.location"),
    (&["geo.city", "city"], "geo.city"),
    (&["geo.country", "country"], "geo.country"),
    (&["geo.lat", "lat"], "geo.lat"),
    (&["geo.lon", "lon"], "geo.lon"),
    (&["engagement.likes", "likes", "favorites"], "engagement.likes"),
    (&["engagement.shares", "shares", "retweets"], "engagement.shares"),
    (&["engagement.comments", "comments", "replies"], "engagement.comments"),
    (&["engagement.views", "views", "impressions"], "engagement.views"),
];

/// Platform of posts from a file that does not name one. The posts that come with the project are tweets.
const PLATFORM: &str = "twitter";

/// A line of the file: its number, and either its post or the reason why it is not a post.
pub type Line = (u64, Result<NewPost, Rejection>);

/// A CSV file whose first row names its columns.
pub struct Rows<R> {
    reader: Reader<R>,
    /// Field that each column represents; `None` if the column is ignored.
    fields: Vec<Option<&'static str>>,
    ignored: Vec<String>,
    row: ByteRecord,
}

impl<R: Read> Rows<R> {
    /// Reads the header row. Fails if there is no column for ids or none for texts.
    pub fn new(bytes: R) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
        let mut fields = Vec::new();
        let mut ignored = Vec::new();
        for name in reader.headers()? {
            let name = name.trim_start_matches('\u{feff}').trim().to_lowercase();
            let field = COLUMNS.iter().find(|(names, _)| names.contains(&name.as_str()));
            fields.push(field.map(|(_, field)| *field));
            if field.is_none() {
                ignored.push(name);
            }
        }
        for needed in ["id", "text"] {
            anyhow::ensure!(
                fields.contains(&Some(needed)),
                "it is neither NDJSON nor CSV with a column `{needed}`"
            );
        }
        Ok(Self { reader, fields, ignored, row: ByteRecord::new() })
    }

    pub fn ignored_columns(&self) -> &[String] {
        &self.ignored
    }

    pub fn next_row(&mut self) -> anyhow::Result<Option<Line>> {
        if !self.reader.read_byte_record(&mut self.row)? {
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        Ok(Some((line, self.post())))
    }

    fn post(&self) -> Result<NewPost, Rejection> {
        let mut post = Map::new();
        post.insert("platform".to_owned(), PLATFORM.into());
        for (field, cell) in self.fields.iter().zip(&self.row) {
            let (Some(field), false) = (field, cell.is_empty()) else {
                continue;
            };
            let text = std::str::from_utf8(cell).map_err(|_| Rejection {
                code: "invalid_text",
                field: (*field).to_owned(),
                message: "it is not UTF-8".to_owned(),
            })?;
            match field.split_once('.') {
                None => post.insert((*field).to_owned(), value(field, text)),
                Some((object, inner)) => {
                    let object = post.entry(object).or_insert_with(|| Map::new().into());
                    object
                        .as_object_mut()
                        .and_then(|object| object.insert(inner.to_owned(), value(field, text)))
                }
            };
        }
        let json = serde_json::to_vec(&post).unwrap_or_default();
        new_post::parse(&json)
    }
}

/// Converts a cell to the JSON type of its field. A cell that does not fit stays a string, which the parser then
/// rejects.
fn value(field: &str, text: &str) -> Value {
    match field {
        "created_at" => time(text).map_or_else(|| text.into(), |time| time.to_string().into()),
        "geo.lat" | "geo.lon" => text.trim().parse::<f64>().map_or_else(|_| text.into(), Value::from),
        "author.followers"
        | "engagement.likes"
        | "engagement.shares"
        | "engagement.comments"
        | "engagement.views" => text.trim().parse::<i64>().map_or_else(|_| text.into(), Value::from),
        _ => text.into(),
    }
}

/// Parses a time in RFC 3339 format or in the form `2017-08-27 00:05:34`, which is taken as UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}
