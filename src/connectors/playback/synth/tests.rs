use std::collections::{HashMap, HashSet};

use super::cities::CITIES;
use super::*;
use crate::models::new_post;

fn params(rate: f64, seed: u64) -> SynthParams {
    SynthParams { rate, count: None, seed, begun_at: "2026-05-01T12:00:00Z".parse().unwrap() }
}

fn generated(params: SynthParams, n: usize) -> Vec<TimedPost> {
    let mut synth = Synth::new(params).unwrap();
    let mut next = || match synth.next_item().unwrap() {
        Some(Item::Post(post)) => *post,
        other => panic!("{other:?}"),
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn twenty_thousand_messages_are_all_different() {
    let posts = generated(params(5.0, 1), 21_000);
    let texts: HashSet<&str> = posts.iter().map(|timed| timed.post.text.as_str()).collect();
    assert!(texts.len() >= 20_000, "{} of {}", texts.len(), posts.len());
}

#[test]
fn the_same_seed_writes_the_same_posts() {
    assert_eq!(generated(params(5.0, 7), 2_000), generated(params(5.0, 7), 2_000));
    let texts =
        |seed| generated(params(5.0, seed), 50).into_iter().map(|timed| timed.post.text).collect::<Vec<_>>();
    assert_ne!(texts(7), texts(8));
}

#[test]
fn a_later_run_writes_other_ids() {
    let later = SynthParams { begun_at: "2026-05-01T12:00:01Z".parse().unwrap(), ..params(5.0, 7) };
    let ids = |params| generated(params, 100).into_iter().map(|timed| timed.post.id).collect::<HashSet<_>>();
    assert!(ids(params(5.0, 7)).is_disjoint(&ids(later)));
    assert_eq!(ids(params(5.0, 7)).len(), 100);
}

#[test]
fn everything_is_covered() {
    let posts = generated(params(5.0, 3), 20_000);
    let covered = |of: fn(&NewPost) -> Option<&str>| -> HashSet<String> {
        posts.iter().filter_map(|timed| of(&timed.post).map(str::to_owned)).collect()
    };
    let names =
        |names: &mut dyn Iterator<Item = &'static str>| names.map(str::to_owned).collect::<HashSet<_>>();
    let cities = covered(|post| post.geo.as_ref().and_then(|geo| geo.city.as_deref()));
    assert_eq!(cities, names(&mut CITIES.iter().map(|home| home.city)));
    assert_eq!(
        covered(|post| post.product.as_deref()),
        names(&mut PRODUCTS.iter().map(|product| product.name))
    );
    assert_eq!(
        covered(|post| post.channel.as_deref()),
        names(&mut CHANNELS.iter().map(|channel| channel.name))
    );
    let platforms = CHANNELS.iter().flat_map(|channel| channel.platforms.iter().copied());
    assert_eq!(covered(|post| Some(&post.platform)), names(&mut { platforms }));
    assert!(posts.iter().any(|timed| timed.post.parent_id.is_some()));
    assert!(posts.iter().any(|timed| timed.post.product.is_none()));
}

#[test]
fn every_template_is_used_and_the_templates_cover_every_label() {
    let mut rng = SeededRng::new(1);
    let mut templates: HashMap<&str, usize> = HashMap::new();
    for _ in 0..20_000 {
        *templates.entry(rng.weighted(&TEMPLATES, |template| template.weight).unwrap().name).or_default() +=
            1;
    }
    assert_eq!(templates.len(), TEMPLATES.len());
    for emotion in crate::models::score::EMOTIONS {
        assert!(TEMPLATES.iter().any(|template| template.emotion == emotion), "{emotion}");
    }
    for tone in [Tone::Positive, Tone::Neutral, Tone::Negative] {
        assert!(TEMPLATES.iter().any(|template| template.tone == tone));
    }
    assert!(
        TEMPLATES.iter().any(|template| template.leaving) && TEMPLATES.iter().any(|template| template.rude)
    );
    let negative: u32 = TEMPLATES
        .iter()
        .filter(|template| template.tone == Tone::Negative)
        .map(|template| template.weight)
        .sum();
    let all: u32 = TEMPLATES.iter().map(|template| template.weight).sum();
    assert!(2 * negative < all, "an ordinary day must not raise an alert");
}

#[test]
fn every_post_is_valid_and_every_slot_is_filled() {
    for timed in generated(params(50.0, 11), 5_000) {
        assert_eq!(new_post::check(&timed.post), Ok(()));
        assert!(!timed.post.text.contains(['{', '}']), "{}", timed.post.text);
    }
}

#[test]
fn the_rate_is_kept_except_in_bursts() {
    let calm = generated(params(1_000.0, 5), 30_000).last().unwrap().at.as_secs_f64();
    assert!((28.0..32.0).contains(&calm), "{calm}");
    let long = generated(params(5.0, 5), 20_000).last().unwrap().at.as_secs_f64();
    assert!((2_800.0..3_900.0).contains(&long), "{long}");
}

#[test]
fn a_crisis_makes_most_posts_about_a_product_negative() {
    let mut synth = Synth::new(params(5.0, 2)).unwrap();
    let mut said: HashMap<&str, (u32, u32)> = HashMap::new();
    // The five minutes that end when the first crisis does.
    while synth.now < 200.0 {
        let (wait, event) = synth.schedule.next(synth.now, 5.0, &mut synth.rng);
        synth.now += wait;
        let plan = synth.plan(event).unwrap();
        let (negative, all) = said.entry(plan.product.name).or_default();
        *negative += u32::from(plan.template.tone == Tone::Negative);
        *all += 1;
    }
    let share = |(negative, all): &(u32, u32)| f64::from(*negative) / f64::from(*all);
    let worst = said.values().map(share).fold(0.0, f64::max);
    assert!(worst > 0.7, "{said:?}");
    assert_eq!(said.values().filter(|counts| share(counts) > 0.55 && counts.1 >= 20).count(), 1, "{said:?}");
}

#[test]
fn a_viral_post_is_seen_by_far_more_people_and_answered() {
    let posts = generated(params(5.0, 2), 2_000);
    let views = |timed: &TimedPost| timed.post.engagement.and_then(|e| e.views).unwrap_or_default();
    let viral = posts.iter().find(|timed| views(timed) > 150_000).unwrap();
    let answers = posts.iter().filter(|timed| timed.post.parent_id.as_ref() == Some(&viral.post.id)).count();
    assert!(answers > 20, "{answers}");
}

#[test]
fn a_count_is_kept_and_an_invalid_rate_is_refused() {
    let mut synth = Synth::new(SynthParams { count: Some(3), ..params(5.0, 1) }).unwrap();
    for _ in 0..3 {
        assert!(synth.next_item().unwrap().is_some());
    }
    assert!(synth.next_item().unwrap().is_none());
    assert_eq!(synth.position(), Some((3, 3)));
    assert!(Synth::new(params(0.0, 1)).is_err() && Synth::new(params(f64::NAN, 1)).is_err());
}
