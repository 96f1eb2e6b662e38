//! Generated posts: believable, endless, and the same for the same seed.
//!
//! For trying Groundswell out and for loading it, never for judging the model: the texts come from a grammar,
//! and a model that knows the grammar would seem better than it is.

mod authors; // who writes
mod catalogue; // about what
mod channels; // where
mod seeded_rng; // chance, from a seed
mod templates; // how they feel
mod phrases; // what they say
mod places; // where they live
mod schedule; // when something happens
mod write; // all of it together

use std::time::Duration;

use jiff::Timestamp;

use crate::models::new_post::{Geo, NewPost};
use crate::models::post::{Author, Engagement, Source};

use self::seeded_rng::{Dice, whole};
use self::templates::{MOODS, Mood, Tone};
use super::replay::run_name;
use super::{Connector, Item, TimedPost};
use authors::Person;
use catalogue::{PRODUCTS, Product};
use channels::{CHANNELS, Channel, Style};
use schedule::{Occasion, Schedule};
use write::Scene;

/// How many, how fast, which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthParams {
    /// Posts a second on ordinary days; more than 0. Bursts come on top.
    pub rate: f64,
    /// How many in all; for ever when absent.
    pub count: Option<u64>,
    /// Which posts.
    pub seed: u64,
    /// When the first is written. Part of every id, so that a second run with the same seed writes new posts.
    pub begun_at: Timestamp,
}

/// Writes posts. The same parameters give the same posts.
pub struct Synth {
    params: SynthParams,
    dice: Dice,
    schedule: Schedule,
    /// Seconds since the start.
    now: f64,
    n_written: u64,
    /// What ids begin with.
    run: String,
    viral: Option<Viral>,
}

/// The post that everybody answers.
struct Viral {
    id: String,
    channel: &'static Channel,
    platform: &'static str,
    product: &'static Product,
    tone: Tone,
}

/// What is about to be written.
struct Plan {
    occasion: Occasion,
    channel: &'static Channel,
    platform: &'static str,
    product: &'static Product,
    mood: &'static Mood,
    parent_id: Option<String>,
}

impl Synth {
    /// A generator at its beginning. Fails when the rate is not more than 0.
    pub fn new(params: SynthParams) -> anyhow::Result<Self> {
        anyhow::ensure!(
            params.rate.is_finite() && params.rate > 0.0,
            "the rate is {}, and must be more than 0",
            params.rate
        );
        let mut dice = Dice::new(params.seed);
        let schedule = Schedule::new(PRODUCTS.len(), &mut dice);
        let run = format!("s{}-{}", params.seed, run_name(params.begun_at));
        Ok(Self { params, dice, schedule, now: 0.0, n_written: 0, run, viral: None })
    }

    fn write(&mut self) -> Option<TimedPost> {
        let (wait, occasion) = self.schedule.next(self.now, self.params.rate, &mut self.dice);
        self.now += wait;
        self.n_written += 1;
        let id = format!("{}-{}", self.run, self.n_written);
        let plan = self.plan(occasion)?;
        let dice = &mut self.dice;
        let Person { mut author, home } = authors::somebody(self.params.seed, dice)?;
        if occasion == Occasion::Viral {
            author.followers = Some(whole(50_000.0 + 2_000_000.0 * dice.unit()));
            let Plan { channel, platform, product, mood, .. } = plan;
            self.viral = Some(Viral { id: id.clone(), channel, platform, product, tone: mood.tone });
        }
        let scene = Scene { product: plan.product, mood: plan.mood, style: plan.channel.style, home };
        let text = write::message(&scene, dice);
        let geo = dice.happens(0.6).then(|| Geo {
            city: Some(home.city.to_owned()),
            country: Some(home.country.to_owned()),
            lat: Some(home.lat),
            lon: Some(home.lon),
        });
        let engagement = engagement(&plan, &author, dice);
        // Some speak of a product without naming it in a field; keywords find those.
        let product = dice.happens(0.94).then(|| plan.product.name.to_owned());
        let post = NewPost {
            id,
            platform: plan.platform.to_owned(),
            text,
            author: Some(author),
            lang: dice.happens(0.5).then(|| "en".to_owned()),
            geo,
            product,
            channel: Some(plan.channel.name.to_owned()),
            parent_id: plan.parent_id,
            engagement,
            ..NewPost::default()
        };
        let at = Duration::try_from_secs_f64(self.now).ok()?;
        Some(TimedPost { at, line: self.n_written, post })
    }

    fn plan(&mut self, occasion: Occasion) -> Option<Plan> {
        let dice = &mut self.dice;
        let mut channel = dice.weighted(&CHANNELS, |channel| channel.weight)?;
        let mut product = dice.weighted(&PRODUCTS, |product| product.weight)?;
        let mut tone = None;
        let mut platform = None;
        let mut parent_id = None;
        match occasion {
            Occasion::Everyday => {}
            Occasion::Crisis(number) => {
                product = PRODUCTS.get(number)?;
                // A few have no trouble, and say so.
                tone = dice.happens(0.93).then_some(Tone::Negative);
            }
            Occasion::Viral => channel = CHANNELS.iter().find(|channel| channel.style == Style::Social)?,
            Occasion::Answer => {
                if let Some(viral) = &self.viral {
                    (channel, product) = (viral.channel, viral.product);
                    platform = Some(viral.platform);
                    parent_id = Some(viral.id.clone());
                    // Most people agree with what they share.
                    tone = dice.happens(0.75).then_some(viral.tone);
                }
            }
        }
        let allowed = |mood: &Mood| if tone.is_none_or(|tone| tone == mood.tone) { mood.weight } else { 0 };
        let mood = dice.weighted(&MOODS, allowed)?;
        let platform = platform.unwrap_or_else(|| dice.word(channel.platforms));
        Some(Plan { occasion, channel, platform, product, mood, parent_id })
    }
}

impl Connector for Synth {
    fn source(&self) -> &'static str {
        Source::SYNTHETIC
    }

    fn next_item(&mut self) -> anyhow::Result<Option<Item>> {
        if self.params.count.is_some_and(|count| self.n_written >= count) {
            return Ok(None);
        }
        Ok(self.write().map(|post| Item::Post(Box::new(post))))
    }

    fn position(&self) -> Option<(u64, u64)> {
        self.params.count.map(|count| (self.n_written, count))
    }
}

/// How a post was received: by a share of the followers, and by many more when it went viral. Nobody likes a
/// phone call.
fn engagement(plan: &Plan, author: &Author, dice: &mut Dice) -> Option<Engagement> {
    if !matches!(plan.channel.style, Style::Social | Style::Forum | Style::Review) {
        return None;
    }
    let followers = author.followers.unwrap_or_default();
    let typical = f64::from(i32::try_from(followers).unwrap_or(i32::MAX)).mul_add(0.2, 30.0);
    let is_viral = plan.occasion == Occasion::Viral;
    let views = dice.heavy_tailed(typical) + if is_viral { 3 * followers } else { 0 };
    let mut part = |of: i64, least: f64, most: f64| {
        let of = f64::from(i32::try_from(of).unwrap_or(i32::MAX));
        whole(of * (least + (most - least) * dice.unit()))
    };
    let likes = part(views, 0.005, 0.06);
    let shares = part(likes, 0.02, if is_viral { 0.6 } else { 0.2 });
    let comments = part(likes, 0.02, 0.15);
    Some(Engagement {
        likes: Some(likes),
        shares: Some(shares),
        comments: Some(comments),
        views: Some(views),
    })
}

#[cfg(test)]
mod tests;
