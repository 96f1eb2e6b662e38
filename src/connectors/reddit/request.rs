//! Requests and their URLs. Pure.

use reqwest::Url;

use super::name::{Kind, Name};

/// Maximum number of things that a page has, or that are looked at with one request.
pub(super) const PAGE_THINGS_MAX: usize = 100;

/// Request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// A page of what was written in subreddits, the newest first.
    Listing(ListingRequest),
    /// Posts and comments with these names.
    Info(Vec<Name>),
}

/// Request for a page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListingRequest {
    /// Whether posts or comments are listed.
    pub kind: Kind,
    /// Names of the subreddits, joined by `+`.
    pub subreddits: String,
    /// Name of the thing after which the page begins; `None` for the newest.
    pub after: Option<String>,
    /// Maximum number of things in the page.
    pub limit: usize,
}

impl Request {
    /// Returns the URL of the request: <https://www.reddit.com/dev/api>. `raw_json` turns off the escaping of three
    /// characters as in HTML.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut query = vec![("raw_json", "1".to_owned())];
        let path = match self {
            Self::Listing(ListingRequest { kind, subreddits, after, limit }) => {
                query.push(("limit", limit.to_string()));
                query.extend(after.clone().map(|after| ("after", after)));
                let listing = match kind {
                    Kind::Post => "new",
                    Kind::Comment => "comments",
                };
                ["r", subreddits.as_str(), listing]
            }
            Self::Info(names) => {
                let names: Vec<String> = names.iter().map(Name::to_string).collect();
                query.push(("id", names.join(",")));
                ["api", "info", ""]
            }
        };
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.iter().filter(|part| !part.is_empty()));
        }
        url.query_pairs_mut().clear().extend_pairs(query);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_the_documentation() {
        let base: Url = "https://oauth.reddit.com".parse().unwrap();
        let check = |request: Request, expected: &str| {
            assert_eq!(request.url(&base).as_str(), format!("https://oauth.reddit.com/{expected}"));
        };
        let listing =
            ListingRequest { kind: Kind::Post, subreddits: "nimbrel+acme".into(), after: None, limit: 93 };
        check(Request::Listing(listing.clone()), "r/nimbrel+acme/new?raw_json=1&limit=93");
        let comments = ListingRequest { kind: Kind::Comment, after: Some("t1_a".into()), ..listing };
        check(Request::Listing(comments), "r/nimbrel+acme/comments?raw_json=1&limit=93&after=t1_a");
        let names = ["t3_a", "t1_b"].map(|name| Name::read(name).unwrap());
        check(Request::Info(names.to_vec()), "api/info?raw_json=1&id=t3_a%2Ct1_b");
    }
}
