//! URLs and subscriptions of an instance's timelines.

use reqwest::Url;
use serde_json::{Value, json};

use super::fill::PageRequest;
use crate::connectors::ConnectorError;

/// Timeline that can be polled or streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Hashtag; `None` for the public timeline.
    pub tag: Option<String>,
    /// Whether it contains only posts of the instance itself.
    pub only_local: bool,
}

impl Timeline {
    /// Returns the timelines that the settings ask for.
    pub(super) fn all(tags: &[String], only_local: bool) -> Vec<Self> {
        if tags.is_empty() {
            return vec![Self { tag: None, only_local }];
        }
        let mut timelines: Vec<Self> = Vec::new();
        for tag in tags {
            let timeline = Self { tag: Some(tag.to_lowercase()), only_local };
            if !timelines.contains(&timeline) {
                timelines.push(timeline);
            }
        }
        timelines
    }

    /// Returns the name of the timeline in a position.
    pub(super) fn key(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{} {tag}", self.stream()),
            None => self.stream().to_owned(),
        }
    }

    /// Returns the name of the timeline's stream.
    pub(super) const fn stream(&self) -> &'static str {
        match (&self.tag, self.only_local) {
            (None, false) => "public",
            (None, true) => "public:local",
            (Some(_), false) => "hashtag",
            (Some(_), true) => "hashtag:local",
        }
    }

    /// Returns whether a message belongs to this timeline, according to the stream and hashtag that it names.
    pub(super) fn is_named<T: AsRef<str>>(&self, stream: &[T]) -> bool {
        let mut parts = stream.iter().map(AsRef::as_ref);
        let (name, tag) = (parts.next(), parts.next());
        name == Some(self.stream()) && tag.map(str::to_lowercase) == self.tag
    }

    /// Returns the message that subscribes to the stream.
    pub(super) fn subscription(&self) -> Value {
        match &self.tag {
            Some(tag) => json!({"type": "subscribe", "stream": self.stream(), "tag": tag}),
            None => json!({"type": "subscribe", "stream": self.stream()}),
        }
    }

    /// Returns the URL of a connection that is subscribed to the stream. Some servers require the URL to name one.
    ///
    /// # Errors
    /// If the address cannot have a path.
    pub(super) fn streaming_url(&self, streaming: &Url) -> Result<Url, ConnectorError> {
        let mut url = extended(streaming, "api/v1/streaming")?;
        url.query_pairs_mut().append_pair("stream", self.stream());
        if let Some(tag) = &self.tag {
            url.query_pairs_mut().append_pair("tag", tag);
        }
        Ok(url)
    }

    /// Returns the URL of a page of the timeline.
    ///
    /// # Errors
    /// If the address cannot have a path.
    pub(super) fn page_url(&self, base: &Url, page: &PageRequest) -> Result<Url, ConnectorError> {
        let mut url = match &self.tag {
            Some(tag) => extended(base, &format!("api/v1/timelines/tag/{tag}"))?,
            None => extended(base, "api/v1/timelines/public")?,
        };
        let mut query = url.query_pairs_mut();
        if self.only_local {
            query.append_pair("local", "true");
        }
        query.append_pair("limit", &page.limit.to_string());
        for (name, id) in [("min_id", &page.min_id), ("max_id", &page.max_id)] {
            if let Some(id) = id {
                query.append_pair(name, id);
            }
        }
        drop(query);
        Ok(url)
    }
}

/// Appends a path to a URL.
///
/// # Errors
/// If the URL cannot have a path.
pub(super) fn extended(base: &Url, path: &str) -> Result<Url, ConnectorError> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut()
        .map_err(|()| ConnectorError::Refused("the URL is not valid".to_owned()))?
        .pop_if_empty()
        .extend(path.split('/'));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(tag: Option<&str>, only_local: bool) -> Timeline {
        Timeline { tag: tag.map(str::to_owned), only_local }
    }

    #[test]
    fn timelines_are_asked_for_and_subscribed_to_in_mastodons_words() {
        let base: Url = "https://social.example/".parse().unwrap();
        let page = PageRequest { limit: 40, min_id: Some("7".to_owned()), max_id: None };
        let check = |timeline: Timeline, page_path: &str, stream: &str, subscription: &str| {
            assert_eq!(
                timeline.page_url(&base, &page).unwrap().as_str(),
                format!("{base}api/v1/timelines/{page_path}")
            );
            let streaming = timeline.streaming_url(&"wss://s.example".parse().unwrap()).unwrap();
            assert_eq!(streaming.as_str(), format!("wss://s.example/api/v1/streaming?{stream}"));
            assert_eq!(timeline.subscription().to_string(), subscription);
        };
        check(
            timeline(None, false),
            "public?limit=40&min_id=7",
            "stream=public",
            r#"{"stream":"public","type":"subscribe"}"#,
        );
        check(
            timeline(Some("käse"), true),
            "tag/k%C3%A4se?local=true&limit=40&min_id=7",
            "stream=hashtag%3Alocal&tag=k%C3%A4se",
            r#"{"stream":"hashtag:local","tag":"käse","type":"subscribe"}"#,
        );
    }

    #[test]
    fn messages_name_their_timeline() {
        assert!(timeline(None, false).is_named(&["public"]) && !timeline(None, true).is_named(&["public"]));
        assert!(timeline(Some("cats"), false).is_named(&["hashtag", "Cats"]));
        assert!(!timeline(Some("cats"), false).is_named(&["hashtag", "dogs"]));
        assert!(!timeline(None, false).is_named::<&str>(&[]));
    }

    #[test]
    fn tags_are_heard_once_each() {
        let tags = ["Cats", "cats", "Dogs"].map(str::to_owned);
        let keys: Vec<String> = Timeline::all(&tags, false).iter().map(Timeline::key).collect();
        assert_eq!(keys, ["hashtag cats", "hashtag dogs"]);
        assert_eq!(Timeline::all(&[], true), [timeline(None, true)]);
    }
}
