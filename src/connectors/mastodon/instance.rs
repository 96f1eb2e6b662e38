//! Parses the description of an instance, the entity `Instance` (version 2) of Mastodon's API.

use reqwest::Url;
use serde_json::Value;

use crate::connectors::ConnectorError;

/// Instructions for obtaining an access token.
pub(super) const HOW_TO_GET_A_TOKEN: &str = "create an application on the instance (Preferences → Development → New \
     application) with the scope `read`, and enter its access token";

/// Properties of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    /// Domain of its accounts.
    pub domain: String,
    /// URL of its streaming API.
    pub streaming: Url,
    live: Access,
    hashtag: Access,
}

/// Access levels of one kind of timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Access {
    local: Level,
    remote: Level,
}

/// Who is allowed to read posts of one origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Level {
    /// Everyone, which is also assumed if the instance does not say.
    #[default]
    Public,
    /// Users of the instance.
    Authenticated,
    Disabled,
}

/// What a source reads from an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Whether it reads hashtags instead of the public timeline.
    pub tags: bool,
    /// Whether it reads only posts of the instance itself.
    pub only_local: bool,
    /// Whether it has an access token.
    pub token: bool,
}

impl Instance {
    /// Returns the defaults for an instance without a description, as before version 4.0.
    ///
    /// # Errors
    /// If a streaming URL cannot be derived from its address.
    pub(super) fn unknown(base: &Url) -> Result<Self, ConnectorError> {
        let mut streaming = base.clone();
        let scheme = if base.scheme() == "http" { "ws" } else { "wss" };
        streaming
            .set_scheme(scheme)
            .map_err(|()| ConnectorError::Refused("the URL is not valid".to_owned()))?;
        let domain = base.host_str().unwrap_or_default().to_owned();
        Ok(Self { domain, streaming, live: Access::default(), hashtag: Access::default() })
    }

    /// Parses the description of an instance.
    ///
    /// # Errors
    /// If the body does not describe an instance.
    pub(super) fn read(body: &[u8], base: &Url) -> Result<Self, ConnectorError> {
        let said = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object).ok_or_else(|| {
            ConnectorError::Interrupted("the host's response does not describe an instance".to_owned())
        })?;
        let unknown = Self::unknown(base)?;
        let text = |path: &str| said.pointer(path).and_then(Value::as_str);
        let level = |feed: &str, origin: &str| match text(&format!(
            "/configuration/timelines_access/{feed}/{origin}"
        )) {
            Some("disabled") => Level::Disabled,
            Some("authenticated") => Level::Authenticated,
            _ => Level::Public,
        };
        let access = |feed: &str| Access { local: level(feed, "local"), remote: level(feed, "remote") };
        let streaming = text("/configuration/urls/streaming").or_else(|| text("/urls/streaming_api"));
        let domain = text("/domain").filter(|it| !it.is_empty() && it.len() <= 253);
        Ok(Self {
            domain: domain.map_or(unknown.domain, str::to_ascii_lowercase),
            streaming: streaming.and_then(|url| Url::parse(url).ok()).unwrap_or(unknown.streaming),
            live: access("live_feeds"),
            hashtag: access("hashtag_feeds"),
        })
    }

    /// Returns whether the source may read what it wants; if it may read only part of it, returns a notice that names
    /// the part.
    ///
    /// # Errors
    /// If it may not, with what people can do about it.
    pub(super) fn admits(&self, wanted: Wanted) -> Result<Option<&'static str>, ConnectorError> {
        let (Access { local, remote }, feed) = match wanted.tags {
            true => (self.hashtag, "timelines of hashtags"),
            false => (self.live, "public timeline"),
        };
        let remote = if wanted.only_local { Level::Disabled } else { remote };
        match (local, remote) {
            (Level::Disabled, Level::Disabled) => {
                let whose = if wanted.only_local { " for its own posts" } else { "" };
                Err(ConnectorError::Refused(format!("the instance has disabled its {feed}{whose}")))
            }
            (Level::Public, Level::Authenticated) if !wanted.token => Err(ConnectorError::NeedsKey(format!(
                "the instance shows posts of other instances only to its users: {HOW_TO_GET_A_TOKEN}, or read only \
                     its own posts"
            ))),
            (Level::Authenticated, _) | (_, Level::Authenticated) if !wanted.token => {
                Err(ConnectorError::NeedsKey(format!(
                    "the instance shows its {feed} only to its users: {HOW_TO_GET_A_TOKEN}"
                )))
            }
            (_, Level::Disabled) if !wanted.only_local => Ok(Some("the instance shows only its own posts")),
            (Level::Disabled, _) => Ok(Some("the instance shows only posts of other instances")),
            _ => Ok(None),
        }
    }
}

/// Returns whether the token of an instance may be sent to its streaming host, which must be the same host or a
/// subdomain of it, and encrypted if the instance is.
pub(super) fn may_have_token(instance: &Url, streaming: &Url) -> bool {
    let (Some(host), Some(other)) = (instance.host_str(), streaming.host_str()) else {
        return false;
    };
    let is_below = other.strip_suffix(host).is_some_and(|name| name.ends_with('.'));
    let is_name = instance.domain().is_some();
    (other == host || (is_name && is_below)) && (streaming.scheme() == "wss" || instance.scheme() == "http")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Url {
        "https://social.example/".parse().unwrap()
    }

    fn instance(local: &str, remote: &str) -> Instance {
        let access = json!({"local": local, "remote": remote});
        let said = json!({
            "domain": "Example",
            "configuration": {
                "urls": {"streaming": "wss://streaming.social.example"},
                "timelines_access": {"live_feeds": access, "hashtag_feeds": {"local": "public", "remote": "public"}}
            }
        });
        Instance::read(said.to_string().as_bytes(), &base()).unwrap()
    }

    #[test]
    fn an_instance_says_where_it_streams_and_whom_it_lets_in() {
        let said = instance("public", "public");
        assert_eq!(
            (said.domain.as_str(), said.streaming.host_str()),
            ("example", Some("streaming.social.example"))
        );
        let older = Instance::read(b"{}", &base()).unwrap();
        assert_eq!(
            (older.domain.as_str(), older.streaming.as_str()),
            ("social.example", "wss://social.example/")
        );
        for wrong in ["[]", "<html>", ""] {
            assert!(Instance::read(wrong.as_bytes(), &base()).unwrap_err().is_temporary());
        }
    }

    #[test]
    fn access_is_said_in_words() {
        let check = |levels: (&str, &str), wanted: (bool, bool, bool), expected: &str| {
            let (tags, only_local, token) = wanted;
            let outcome = instance(levels.0, levels.1).admits(Wanted { tags, only_local, token });
            let said = match outcome {
                Ok(note) => note.unwrap_or("open").to_owned(),
                Err(error) => format!("{}: {error}", error.state().as_str()),
            };
            assert!(said.starts_with(expected), "{levels:?} {wanted:?}: {said}");
        };
        let (nothing, local, token) = ((false, false, false), (false, true, false), (false, false, true));
        check(("public", "public"), nothing, "open");
        check(("disabled", "disabled"), token, "refused: the instance has disabled its public timeline");
        check(
            ("disabled", "public"),
            local,
            "refused: the instance has disabled its public timeline for its own posts",
        );
        check(("disabled", "public"), nothing, "the instance shows only posts of other instances");
        check(("public", "disabled"), nothing, "the instance shows only its own posts");
        check(("public", "disabled"), local, "open");
        check(("authenticated", "authenticated"), token, "open");
        check(
            ("authenticated", "authenticated"),
            nothing,
            "needs_key: the instance shows its public timeline only",
        );
        check(
            ("public", "authenticated"),
            nothing,
            "needs_key: the instance shows posts of other instances only",
        );
        check(("public", "authenticated"), local, "open");
        check(("authenticated", "disabled"), nothing, "needs_key");
        check(("disabled", "disabled"), (true, false, false), "open");
    }

    #[test]
    fn a_token_goes_to_the_instance_only() {
        let check = |streaming: &str, expected: bool| {
            assert_eq!(may_have_token(&base(), &streaming.parse().unwrap()), expected, "{streaming}");
        };
        check("wss://social.example/", true);
        check("wss://streaming.social.example/", true);
        check("ws://social.example/", false);
        check("wss://example/", false);
        check("wss://evilsocial.example/", false);
        check("wss://elsewhere.example/", false);
        let local =
            |url: &str| may_have_token(&"http://127.0.0.1:1/".parse().unwrap(), &url.parse().unwrap());
        assert!(local("ws://127.0.0.1:2/") && !local("ws://7.0.0.1:2/"));
    }
}
