//! Shortened forms of secret URLs, for responses. A URL is secret if anyone who knows it can post there.

/// What replaces the secret part.
const ELLIPSIS: char = '…';

/// Number of characters of path and query that are shown, so that people can tell two URLs of one host apart.
const SHOWN_CHARACTERS: usize = 4;

/// Returns scheme, host, port and the beginning of the path, for example `https://hooks.example.org/T012…`. Of a short
/// path, at most a third is shown.
pub fn masked_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let n_shown = SHOWN_CHARACTERS.min(path.chars().count() / 3);
    let shown: String = path.chars().take(n_shown).collect();
    let ellipsis = if path.is_empty() { "" } else { "…" };
    format!("{scheme}://{host}/{shown}{ellipsis}")
}

/// Returns whether a client sent back what a response showed instead of a URL.
pub fn is_masked(url: &str) -> bool {
    url.trim_end().ends_with(ELLIPSIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_url_names_its_host_and_hides_the_rest() {
        let check = |url: &str, masked: &str| assert_eq!(masked_url(url), masked);
        check("https://hooks.example.org/T012/B345/secret", "https://hooks.example.org/T012…");
        check("http://127.0.0.1:8080/hook?token=secret", "http://127.0.0.1:8080/hook…");
        check("https://example.org/secret", "https://example.org/se…");
        check("https://example.org/ab", "https://example.org/…");
        check("https://example.org/", "https://example.org/");
        check("https://ann:secret@example.org/", "https://example.org/");
        check("https://example.org/éééééé", "https://example.org/éé…");
    }

    #[test]
    fn a_masked_url_is_recognised() {
        assert!(is_masked(&masked_url("https://example.org/secret")));
        assert!(!is_masked("https://example.org/secret"));
    }
}
