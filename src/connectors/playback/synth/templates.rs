//! Templates for generated messages: sentiment, emotion and phrases, weighted by frequency.

use super::phrases;

/// Sentiment that a message expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Positive,
    Neutral,
    Negative,
}

/// A template and its intent. The intent is not sent, so the model must infer it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Template {
    pub name: &'static str,
    pub tone: Tone,
    /// Emotion that the message expresses, one of the seven that models predict.
    pub emotion: &'static str,
    /// Whether the author is about to abandon the product.
    pub leaving: bool,
    /// Whether the message contains a mild insult.
    pub rude: bool,
    pub weight: u32,
    pub openings: &'static [&'static str],
    pub bodies: &'static [&'static str],
    pub closings: &'static [&'static str],
    pub emoji: &'static [&'static str],
}

const fn template(name: &'static str, tone: Tone, emotion: &'static str, weight: u32) -> Template {
    Template {
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

pub const TEMPLATES: [Template; 13] = [
    Template {
        openings: &phrases::GLAD_OPENINGS,
        bodies: &phrases::JOY,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["😍", "🔥", "🙌", "💯", "❤️"],
        ..template("delighted", Tone::Positive, "joy", 24)
    },
    Template {
        openings: &phrases::GLAD_OPENINGS,
        bodies: &phrases::GRATITUDE,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["🙏", "😊", "👏"],
        ..template("grateful", Tone::Positive, "joy", 10)
    },
    Template {
        openings: &phrases::SURPRISED_OPENINGS,
        bodies: &phrases::GOOD_SURPRISE,
        closings: &phrases::GLAD_CLOSINGS,
        emoji: &["😮", "🤯", "👀"],
        ..template("pleasantly surprised", Tone::Positive, "surprise", 7)
    },
    Template {
        openings: &phrases::PLAIN_OPENINGS,
        bodies: &phrases::QUESTIONS,
        closings: &phrases::PLAIN_CLOSINGS,
        emoji: &["🤔"],
        ..template("asking", Tone::Neutral, "neutral", 16)
    },
    Template {
        openings: &phrases::PLAIN_OPENINGS,
        bodies: &phrases::STATEMENTS,
        closings: &phrases::PLAIN_CLOSINGS,
        emoji: &["📦", "📱"],
        ..template("telling", Tone::Neutral, "neutral", 14)
    },
    Template {
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::ANGER,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["😡", "🤬", "👎"],
        ..template("angry", Tone::Negative, "anger", 8)
    },
    Template {
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::DISGUST,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["🤢", "🤮", "👎"],
        ..template("disgusted", Tone::Negative, "disgust", 3)
    },
    Template {
        openings: &phrases::WORRIED_OPENINGS,
        bodies: &phrases::FEAR,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["😰", "😟"],
        ..template("afraid", Tone::Negative, "fear", 3)
    },
    Template {
        openings: &phrases::SAD_OPENINGS,
        bodies: &phrases::SADNESS,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["😞", "💔", "😢"],
        ..template("disappointed", Tone::Negative, "sadness", 6)
    },
    Template {
        openings: &phrases::SURPRISED_OPENINGS,
        bodies: &phrases::BAD_SURPRISE,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["😳", "🤦"],
        ..template("unpleasantly surprised", Tone::Negative, "surprise", 3)
    },
    Template {
        leaving: true,
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::LEAVING_ANGRY,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["👋", "🚪", "😤"],
        ..template("leaving in anger", Tone::Negative, "anger", 3)
    },
    Template {
        leaving: true,
        openings: &phrases::SAD_OPENINGS,
        bodies: &phrases::LEAVING_SAD,
        closings: &phrases::SAD_CLOSINGS,
        emoji: &["👋", "😔"],
        ..template("leaving with regret", Tone::Negative, "sadness", 2)
    },
    Template {
        rude: true,
        openings: &phrases::ANGRY_OPENINGS,
        bodies: &phrases::RUDE,
        closings: &phrases::ANGRY_CLOSINGS,
        emoji: &["🤡", "🙄", "🖕"],
        ..template("rude", Tone::Negative, "anger", 1)
    },
];
