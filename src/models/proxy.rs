//! Headers in which proxies name their clients.

use std::fmt;
use std::str::FromStr;

/// Header in which the trusted proxies name the client. Only one is read: proxies pass on the others as the client sent
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): its parameter `for`.
    Forwarded,
}

impl ForwardedHeader {
    /// Returns the name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl fmt::Display for ForwardedHeader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for ForwardedHeader {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |header: &Self| header.as_str().eq_ignore_ascii_case(text);
        let known = [Self::XForwardedFor, Self::Forwarded];
        known.into_iter().find(named).ok_or("must be `x-forwarded-for` or `forwarded`")
    }
}
