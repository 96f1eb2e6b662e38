//! Requests to the API: their URLs and the quotas that they use. Pure.

use jiff::Timestamp;
use reqwest::Url;

/// Maximum number of videos per request.
pub(super) const VIDEOS_MAX: usize = 50;

/// Request to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// A page of the videos that match a query, the newest first.
    Search {
        /// Text to search for.
        query: String,
        /// Earliest time of publication.
        after: Timestamp,
        /// Token of the page; `None` for the first one.
        page: Option<String>,
    },
    /// The videos with these ids.
    Videos(Vec<String>),
    /// A page of the comments of a video, the newest first.
    Comments {
        /// Id of the video.
        video: String,
        /// Token of the page; `None` for the first one.
        page: Option<String>,
    },
}

/// Quota that a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quota {
    /// Daily quota of searches.
    Search,
    /// Daily quota of units.
    Video,
    /// Daily quota of units, less the part reserved for videos.
    Comments,
}

impl Request {
    /// Returns the quota that the request uses.
    pub(super) const fn quota(&self) -> Quota {
        match self {
            Self::Search { .. } => Quota::Search,
            Self::Videos(_) => Quota::Video,
            Self::Comments { .. } => Quota::Comments,
        }
    }

    /// Returns the URL of the request: <https://developers.google.com/youtube/v3/docs>.
    pub(super) fn url(&self, base: &Url) -> Url {
        let (method, query): (_, Vec<(&str, String)>) = match self {
            Self::Search { query, after, page } => {
                let mut parameters = vec![
                    ("part", "snippet".to_owned()),
                    ("type", "video".to_owned()),
                    ("order", "date".to_owned()),
                    // By default, some of the videos are omitted.
                    ("safeSearch", "none".to_owned()),
                    ("maxResults", "50".to_owned()),
                    ("publishedAfter", after.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
                    ("q", query.clone()),
                ];
                parameters.extend(page.clone().map(|page| ("pageToken", page)));
                ("search", parameters)
            }
            Self::Videos(ids) => {
                ("videos", vec![("part", "snippet,statistics".to_owned()), ("id", ids.join(","))])
            }
            Self::Comments { video, page } => {
                let mut parameters = vec![
                    ("part", "snippet,replies".to_owned()),
                    ("order", "time".to_owned()),
                    ("textFormat", "plainText".to_owned()),
                    ("maxResults", "100".to_owned()),
                    ("videoId", video.clone()),
                ];
                parameters.extend(page.clone().map(|page| ("pageToken", page)));
                ("commentThreads", parameters)
            }
        };
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(method);
        }
        url.query_pairs_mut().clear().extend_pairs(query);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_the_documentation_and_have_no_key() {
        let base: Url = "https://www.googleapis.com/youtube/v3".parse().unwrap();
        let check = |request: Request, expected: &str| {
            assert_eq!(
                request.url(&base).as_str(),
                format!("https://www.googleapis.com/youtube/v3/{expected}")
            );
        };
        let after = "2026-11-23T12:00:00.5Z".parse().unwrap();
        check(
            Request::Search { query: "nimbrel | \"a&b\"".into(), after, page: Some("CAUQAA".into()) },
            "search?part=snippet&type=video&order=date&safeSearch=none&maxResults=50\
             &publishedAfter=2026-11-23T12%3A00%3A00Z&q=nimbrel+%7C+%22a%26b%22&pageToken=CAUQAA",
        );
        check(Request::Videos(vec!["a".into(), "b".into()]), "videos?part=snippet%2Cstatistics&id=a%2Cb");
        check(
            Request::Comments { video: "a".into(), page: None },
            "commentThreads?part=snippet%2Creplies&order=time&textFormat=plainText&maxResults=100&videoId=a",
        );
    }
}
