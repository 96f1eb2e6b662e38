//! Scores how far a post is likely to travel, from 0 to 100, by written rules: version `rules-1`.
//!
//! | part | points | why |
//! |---|---|---|
//! | reach | 0–40, logarithmic up to ten million | cascades start among those who see the post |
//! | interactions | 0–20, logarithmic up to a million | what has already been shared is shown more |
//! | interaction rate | 0–20, saturating at about one in ten viewers | small accounts go viral by rate, not by reach |
//! | arousal | 0–15: the strongest of anger, fear, surprise, joy, disgust | emotionally arousing content is passed on, sad content is not (Berger and Milkman, 2012, *What Makes Online Content Viral?*) |
//! | form | 0–5: a hashtag, a link, few words | each makes passing on easier |
//!
//! The weights are a matter of judgement rather than fitted, because no data set here combines text, reach and
//! engagement over time. Scores carry the version, so that learned scores can replace these and be told apart from
//! them.

use crate::models::post::Engagement;
use crate::models::score::EmotionScores;

/// Version of the rules, which is recorded with every score.
pub const VERSION: &str = "rules-1";

/// Reach that earns all points for reach.
const REACH_FULL: f64 = 10_000_000.0;

/// Number of interactions that earns all points for interactions.
const INTERACTIONS_FULL: f64 = 1_000_000.0;

/// Interaction rate that earns 1 − 1/e of the points for the rate.
const RATE_SCALE: f64 = 0.05;

/// Maximum length, in characters, of a text that can be read at a glance.
const SHORT_CHARS: usize = 140;

/// Properties of a post that determine its score.
#[derive(Debug, Clone, Copy)]
pub struct Signals<'a> {
    /// Text of the post; only its length, hashtags and links matter.
    pub text: &'a str,
    /// Number of people who may have seen the post.
    pub reach: i64,
    /// Numbers of interactions with the post; `None` if unknown.
    pub engagement: Option<Engagement>,
    /// Scores of the seven emotions; only the high-arousal ones (anger, fear, surprise, joy and disgust) are used.
    pub emotions: EmotionScores,
}

/// Returns the virality of a post, from 0 to 100; never NaN.
pub fn virality(signals: &Signals<'_>) -> f32 {
    let reach = count(Some(signals.reach));
    let engagement = signals.engagement.unwrap_or_default();
    // A share spreads further than a comment, a comment further than a like.
    let interactions =
        count(engagement.likes) + 2.0 * count(engagement.comments) + 3.0 * count(engagement.shares);
    let audience = count(engagement.views).max(reach).max(interactions).max(1.0);
    let points = 40.0 * logarithmic(reach, REACH_FULL)
        + 20.0 * logarithmic(interactions, INTERACTIONS_FULL)
        + 20.0 * (1.0 - (-(interactions / audience) / RATE_SCALE).exp())
        + 15.0 * arousal(signals.emotions)
        + form(signals.text);
    #[expect(clippy::cast_possible_truncation, reason = "lies within 0 to 100")]
    let points = points.clamp(0.0, 100.0) as f32;
    points
}

fn count(n: Option<i64>) -> f64 {
    n.unwrap_or(0).max(0) as f64
}

fn logarithmic(n: f64, full: f64) -> f64 {
    (n.ln_1p() / full.ln_1p()).min(1.0)
}

fn arousal(emotions: EmotionScores) -> f64 {
    let strongest =
        emotions.anger.max(emotions.fear).max(emotions.surprise).max(emotions.joy).max(emotions.disgust);
    f64::from(strongest).clamp(0.0, 1.0)
}

fn form(text: &str) -> f64 {
    let mut points = 0.0;
    if text.contains('#') {
        points += 2.0;
    }
    if text.contains("http://") || text.contains("https://") {
        points += 1.0;
    }
    if text.chars().nth(SHORT_CHARS).is_none() {
        points += 2.0;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(reach: i64, engagement: Option<Engagement>) -> f32 {
        virality(&Signals { text: "look at this", reach, engagement, emotions: EmotionScores::default() })
    }

    fn engaged(likes: i64, shares: i64) -> Option<Engagement> {
        Some(Engagement { likes: Some(likes), shares: Some(shares), ..Engagement::default() })
    }

    #[test]
    fn an_unknown_author_scores_almost_nothing() {
        assert!(score(0, None) < 5.0);
    }

    #[test]
    fn more_reach_scores_higher() {
        assert!(score(10_000, None) < score(1_000_000, None));
    }

    #[test]
    fn a_share_weighs_more_than_a_like() {
        assert!(score(1_000, engaged(10, 0)) < score(1_000, engaged(0, 10)));
    }

    #[test]
    fn arousal_weighs_and_sadness_does_not() {
        let with = |emotions| virality(&Signals { text: "x", reach: 10, engagement: None, emotions });
        let calm = with(EmotionScores::default());
        assert!(with(EmotionScores { anger: 0.9, ..EmotionScores::default() }) > calm + 10.0);
        assert!((with(EmotionScores { sadness: 0.9, ..EmotionScores::default() }) - calm).abs() < 0.001);
    }

    #[test]
    fn the_largest_numbers_stay_within_bounds() {
        let most = Some(Engagement {
            likes: Some(i64::MAX),
            shares: Some(i64::MAX),
            comments: Some(i64::MAX),
            views: Some(i64::MAX),
        });
        let score = score(i64::MAX, most);
        assert!(score.is_finite() && (0.0..=100.0).contains(&score));
    }
}
