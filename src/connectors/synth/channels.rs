//! Where generated people write, and how one writes there.

/// How a message is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Short, hashtags, emoji.
    Social,
    /// A greeting and a farewell.
    Email,
    /// In haste, to somebody who answers.
    Chat,
    /// Noted by an agent on the phone.
    Phone,
    /// Stars first.
    Review,
    /// To strangers who may know.
    Forum,
}

/// A channel, and the platforms it runs on.
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
