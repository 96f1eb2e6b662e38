//! Channels through which generated posts arrive, and their writing styles.

/// Writing style of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Short, with hashtags and emoji.
    Social,
    /// Email, with a greeting and a sign-off.
    Email,
    /// Hasty, addressed to an agent.
    Chat,
    /// Notes taken by an agent on the phone.
    Phone,
    /// Starts with a star rating.
    Review,
    /// Addressed to strangers who may know the answer.
    Forum,
}

/// A channel and the platforms that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    pub name: &'static str,
    pub style: Style,
    pub platforms: &'static [&'static str],
    pub weight: u32,
}

pub const CHANNELS: [Channel; 6] = [
    Channel {
        name: "social",
        style: Style::Social,
        platforms: &["twitter", "bluesky", "mastodon", "instagram", "facebook"],
        weight: 46,
    },
    Channel {
        name: "app-review",
        style: Style::Review,
        platforms: &["app-store", "google-play", "trustpilot"],
        weight: 16,
    },
    Channel { name: "forum", style: Style::Forum, platforms: &["reddit", "community"], weight: 12 },
    Channel { name: "chat", style: Style::Chat, platforms: &["webchat", "whatsapp"], weight: 12 },
    Channel { name: "email", style: Style::Email, platforms: &["email"], weight: 9 },
    Channel { name: "phone", style: Style::Phone, platforms: &["callcenter"], weight: 5 },
];
