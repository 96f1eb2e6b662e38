//! Generated posts: plausible, endless, and reproducible from a seed.
//!
//! Use them to try out Groundswell and to put it under load, but never to evaluate a model: the texts come from a
//! grammar, and a model that has learned the grammar would seem better than it is.

mod authors; // the people who write
mod catalogue; // the products they write about
mod channels; // the channels they write on
mod seeded_rng; // reproducible random numbers
mod templates; // sentiment and emotion of messages, with their phrases
mod phrases; // phrases with slots
mod cities; // the cities they live in
mod schedule; // times of posts, crises and viral posts
mod write; // composes messages

use std::time::Duration;

use jiff::Timestamp;

use crate::models::new_post::{Geo, NewPost};
use crate::models::post::{Author, Engagement, Source};

use self::seeded_rng::{SeededRng, whole};
use self::templates::{TEMPLATES, Template, Tone};
use super::replay::run_name;
use super::{Item, Playback, TimedPost};
use authors::Person;
use catalogue::{PRODUCTS, Product};
use channels::{CHANNELS, Channel, Style};
use schedule::{Event, Schedule};
use write::MessageContext;

/// Number, rate and start time of the posts to generate, and the seed for their texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthParams {
    /// Posts per second outside bursts; must be more than 0.
    pub rate: f64,
    /// Total number of posts; `None` for an endless generator.
    pub count: Option<u64>,
    /// Seed for the random numbers that determine the texts.
    pub seed: u64,
    /// Time of the first post. It is part of every id, so another run with the same seed creates new posts.
    pub begun_at: Timestamp,
}

/// A generator of posts. The same parameters always produce the same posts.
pub struct Synth {
    params: SynthParams,
    rng: SeededRng,
    schedule: Schedule,
    /// Seconds since the start of the run.
    now: f64,
    n_written: u64,
    /// Prefix of the posts' ids.
    run: String,
    viral: Option<Viral>,
}

/// A viral post that others reply to.
struct Viral {
    id: String,
    channel: &'static Channel,
    platform: &'static str,
    product: &'static Product,
    tone: Tone,
}

/// What the next post is about.
struct Plan {
    event: Event,
    channel: &'static Channel,
    platform: &'static str,
    product: &'static Product,
    template: &'static Template,
    parent_id: Option<String>,
}

impl Synth {
    /// Creates a generator. Fails if the rate is not positive.
    pub fn new(params: SynthParams) -> anyhow::Result<Self> {
        anyhow::ensure!(
            params.rate.is_finite() && params.rate > 0.0,
            "the rate is {} but must be more than 0",
            params.rate
        );
        let mut rng = SeededRng::new(params.seed);
        let schedule = Schedule::new(PRODUCTS.len(), &mut rng);
        let run = format!("s{}-{}", params.seed, run_name(params.begun_at));
        Ok(Self { params, rng, schedule, now: 0.0, n_written: 0, run, viral: None })
    }

    fn write(&mut self) -> Option<TimedPost> {
        let (wait, event) = self.schedule.next(self.now, self.params.rate, &mut self.rng);
        self.now += wait;
        self.n_written += 1;
        let id = format!("{}-{}", self.run, self.n_written);
        let plan = self.plan(event)?;
        let rng = &mut self.rng;
        let Person { mut author, home } = authors::random_author(self.params.seed, rng)?;
        if event == Event::Viral {
            author.followers = Some(whole(50_000.0 + 2_000_000.0 * rng.unit()));
            let Plan { channel, platform, product, template, .. } = plan;
            self.viral = Some(Viral { id: id.clone(), channel, platform, product, tone: template.tone });
        }
        let context = MessageContext {
            product: plan.product,
            template: plan.template,
            style: plan.channel.style,
            home,
        };
        let text = write::message(&context, rng);
        let geo = rng.happens(0.6).then(|| Geo {
            city: Some(home.city.to_owned()),
            country: Some(home.country.to_owned()),
            lat: Some(home.lat),
            lon: Some(home.lon),
        });
        let engagement = engagement(&plan, &author, rng);
        // Some posts mention a product without naming it in a field, so that keyword matching has to find it.
        let product = rng.happens(0.94).then(|| plan.product.name.to_owned());
        let post = NewPost {
            id,
            platform: plan.platform.to_owned(),
            text,
            author: Some(author),
            lang: rng.happens(0.5).then(|| "en".to_owned()),
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

    fn plan(&mut self, event: Event) -> Option<Plan> {
        let rng = &mut self.rng;
        let mut channel = rng.weighted(&CHANNELS, |channel| channel.weight)?;
        let mut product = rng.weighted(&PRODUCTS, |product| product.weight)?;
        let mut tone = None;
        let mut platform = None;
        let mut parent_id = None;
        match event {
            Event::Everyday => {}
            Event::Crisis(number) => {
                product = PRODUCTS.get(number)?;
                // A few authors are unaffected, and say so.
                tone = rng.happens(0.93).then_some(Tone::Negative);
            }
            Event::Viral => channel = CHANNELS.iter().find(|channel| channel.style == Style::Social)?,
            Event::Reply => {
                if let Some(viral) = &self.viral {
                    (channel, product) = (viral.channel, viral.product);
                    platform = Some(viral.platform);
                    parent_id = Some(viral.id.clone());
                    // Most people agree with what they share.
                    tone = rng.happens(0.75).then_some(viral.tone);
                }
            }
        }
        let allowed = |template: &Template| {
            if tone.is_none_or(|tone| tone == template.tone) { template.weight } else { 0 }
        };
        let template = rng.weighted(&TEMPLATES, allowed)?;
        let platform = platform.unwrap_or_else(|| rng.word(channel.platforms));
        Some(Plan { event, channel, platform, product, template, parent_id })
    }
}

impl Playback for Synth {
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

/// Returns a post's engagement, which comes from a share of the author's followers, or from many more people if the
/// post is viral. Phone calls have none.
fn engagement(plan: &Plan, author: &Author, rng: &mut SeededRng) -> Option<Engagement> {
    if !matches!(plan.channel.style, Style::Social | Style::Forum | Style::Review) {
        return None;
    }
    let followers = author.followers.unwrap_or_default();
    let typical = f64::from(i32::try_from(followers).unwrap_or(i32::MAX)).mul_add(0.2, 30.0);
    let is_viral = plan.event == Event::Viral;
    let views = rng.heavy_tailed(typical) + if is_viral { 3 * followers } else { 0 };
    let mut part = |of: i64, least: f64, most: f64| {
        let of = f64::from(i32::try_from(of).unwrap_or(i32::MAX));
        whole(of * (least + (most - least) * rng.unit()))
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
