//! How generated people feel, and how many of them.

use super::phrases;

/// Pleased or not: the three labels of sentiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Positive,
    Neutral,
    Negative,
}

/// What a message means to say. The generator knows; nothing of it is sent, so the model has to find out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mood {
    pub name: &'static str,
    pub tone: Tone,
    /// One of the seven emotions.
    pub emotion: &'static str,
    /// Its author is about to leave.
    pub leaving: bool,
    /// It insults, mildly.
    pub rude: bool,
    pub weight: u32,
    pub openings: &'static [&'static str],
    pub bodies: &'static [&'static str],
    pub closings: &'static [&'static str],
    pub emoji: &'static [&'static str],
}

const fn mood(name: &'static str, tone: Tone, emotion: &'static str, weight: u32) -> Mood {
    Mood {
        name,
        tone,
        emotion,
        leaving: false,
        rude: false,
        weight,
        openings: &[],
        bodies: &[],
        closings: &[],
        emoji: &[],
    }
}

pub const MOODS: [Mood; 13] = [
    Mood {
        openings: &phrases::GLAD_OPENINGS,
        bodies: &phrases::JOY,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["😍", "🔥", "🙌", "💯", "❤️"],
        ..mood("delighted", Tone::Positive, "joy", 24)
    },
    Mood {
        openings: &phrases::GLAD_OPENINGS,
        bodies: &phrases::GRATITUDE,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["🙏", "😊", "👏"],
        ..mood("grateful", Tone::Positive, "joy", 10)
    },
    Mood {
        openings: &phrases::SURPRISED_OPENINGS,
        bodies: &phrases::GOOD_SURPRISE,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["😮", "🤯", "👀"],
        ..mood("pleasantly surprised", Tone::Positive, "surprise", 7)
    },
    Mood {
        openings: &phrases::PLAIN_OPENINGS,
        bodies: &phrases::QUESTIONS,
        closings: &phrases::PLAIN_CLOSINGS,
        emoji: &["🤔"],
        ..mood("asking", Tone::Neutral, "neutral", 16)
    },
    Mood {
        openings: &phrases::PLAIN_OPENINGS,
        bodies: &phrases::STATEMENTS,
        closings: &phrases::PLAIN_CLOSINGS,
        emoji: &["📦", "📱"],
        ..mood("telling", Tone::Neutral, "neutral", 14)
    },
    Mood {
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::ANGER,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["😡", "🤬", "👎"],
        ..mood("angry", Tone::Negative, "anger", 8)
    },
    Mood {
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::DISGUST,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["🤢", "🤮", "👎"],
        ..mood("disgusted", Tone::Negative, "disgust", 3)
    },
    Mood {
        openings: &phrases::WORRIED_OPENINGS,
        bodies: &phrases::FEAR,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["😰", "😟"],
        ..mood("afraid", Tone::Negative, "fear", 3)
    },
    Mood {
        openings: &phrases::SAD_OPENINGS,
        bodies: &phrases::SADNESS,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["😞", "💔", "😢"],
        ..mood("disappointed", Tone::Negative, "sadness", 6)
    },
    Mood {
        openings: &phrases::SURPRISED_OPENINGS,
        bodies: &phrases::BAD_SURPRISE,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["😳", "🤦"],
        ..mood("unpleasantly surprised", Tone::Negative, "surprise", 3)
    },
    Mood {
        leaving: true,
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::LEAVING_ANGRY,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["👋", "🚪", "😤"],
        ..mood("leaving in anger", Tone::Negative, "anger", 3)
    },
    Mood {
        leaving: true,
        openings: &phrases::SAD_OPENINGS,
        bodies: &phrases::LEAVING_SAD,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["👋", "😔"],
        ..mood("leaving with regret", Tone::Negative, "sadness", 2)
    },
    Mood {
        rude: true,
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::RUDE,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["🤡", "🙄", "🖕"],
        ..mood("rude", Tone::Negative, "anger", 1)
    },
];
