//! Puts a message together: opening, body, closing, as one writes on its channel.

use super::catalogue::{BRAND, PRODUCTS, Product};
use super::channels::Style;
use super::places::Home;
use super::seeded_rng::Dice;
use super::templates::{Mood, Tone};

const AGENTS: [&str; 16] = [
    "Maya", "Jonas", "Priya", "Liam", "Sofia", "Kwame", "Yuki", "Elena", "Tariq", "Hannah", "Diego", "Aoife",
    "Noah", "Ines", "Ravi", "Chloe",
];
const FRIENDS: [&str; 10] =
    ["mother", "father", "sister", "brother", "daughter", "son", "wife", "husband", "neighbour", "flatmate"];
const SINCE: [&str; 12] = [
    "two days",
    "four days",
    "a week",
    "two weeks",
    "three weeks",
    "a month",
    "two months",
    "half a year",
    "a year",
    "two years",
    "three years",
    "five years",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const GREETINGS: [&str; 6] =
    ["Hello,", "Hi,", "Dear team,", "Dear Nimbrel team,", "Good morning,", "To whom it may concern,"];
const FAREWELLS: [&str; 6] = ["Regards,", "Best,", "Kind regards,", "Sincerely,", "Yours,", "Thanks,"];
const PHONE: [&str; 6] = [
    "Caller says: ",
    "Customer on the line: ",
    "Call note: ",
    "Caller from {city}: ",
    "Transcript: ",
    "Inbound call: ",
];
const CHAT: [&str; 8] = ["hi ", "hey ", "", "", "hello? ", "ok so ", "hi there, ", "still here? "];
const TAGS: [&str; 8] =
    ["#tech", "#review", "#customerservice", "#gadgets", "#fail", "#recommended", "#help", "#unboxing"];

/// Who says what, where.
pub struct Scene<'a> {
    pub product: &'a Product,
    pub mood: &'a Mood,
    pub style: Style,
    pub home: &'a Home,
}

/// One message.
pub fn message(scene: &Scene<'_>, dice: &mut Dice) -> String {
    let mood = scene.mood;
    let opening = if dice.happens(0.6) { dice.word(mood.openings) } else { "" };
    let closing = if dice.happens(0.7) { dice.word(mood.closings) } else { "" };
    let body = dice.word(mood.bodies);
    let begins = opening.is_empty() || opening.trim_end().ends_with(['.', '!', '?']);
    let said = format!("{opening}{}{closing}", if begins { capitalized(body) } else { body.to_owned() });
    filled(&dressed(&said, scene, dice), scene, dice)
}

fn dressed(said: &str, scene: &Scene<'_>, dice: &mut Dice) -> String {
    let emoji = dice.word(scene.mood.emoji);
    match scene.style {
        Style::Social => {
            let mut text = said.to_owned();
            if dice.happens(0.45) {
                text = format!("{text} {emoji}");
            }
            if dice.happens(0.35) {
                text = format!("{text} #{}", scene.product.tag);
            }
            if dice.happens(0.15) {
                text = format!("{text} {}", dice.word(&TAGS));
            }
            text
        }
        Style::Email => {
            let (greeting, farewell) = (dice.word(&GREETINGS), dice.word(&FAREWELLS));
            format!("{greeting}\n\n{said}\n\n{farewell}\n{}", dice.word(&AGENTS))
        }
        Style::Chat => format!("{}{}", dice.word(&CHAT), said.to_lowercase().replace("@nimbrel ", "")),
        Style::Phone => format!("{}“{said}”", dice.word(&PHONE)),
        Style::Review => {
            let n_stars = match scene.mood.tone {
                Tone::Positive => dice.between(4, 5),
                Tone::Neutral => 3,
                Tone::Negative => dice.between(1, 2),
            };
            let stars: String = (1..=5).map(|star| if star <= n_stars { '★' } else { '☆' }).collect();
            format!("{stars} {said}")
        }
        Style::Forum => {
            let title = match dice.below(3) {
                0 => "{product}: {feature}",
                1 => "{product} after {since}",
                _ => "[{product}]",
            };
            format!("{title}\n\n{said}")
        }
    }
}

/// Fills in every `{…}`. A slot that stands twice is filled twice alike where that matters: with the product.
fn filled(template: &str, scene: &Scene<'_>, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(2 * template.len());
    let mut rest = template;
    while let Some((before, (slot, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        text.push_str(before);
        text.push_str(&value(slot, scene, dice));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn value(slot: &str, scene: &Scene<'_>, dice: &mut Dice) -> String {
    let product = scene.product;
    let word = match slot {
        "product" => product.name,
        "thing" => product.thing,
        "feature" => dice.word(&product.features),
        "delight" => dice.word(&product.delights),
        "fault" => dice.word(&product.faults),
        "price" => dice.word(&product.price),
        "rival" => dice.word(&product.rivals),
        "brand" => BRAND,
        "city" => scene.home.city,
        "agent" => dice.word(&AGENTS),
        "friend" => dice.word(&FRIENDS),
        "since" => dice.word(&SINCE),
        "day" => dice.word(&DAYS),
        "other" => other_than(product, dice),
        "n" => return dice.between(4, 12).to_string(),
        "minutes" => return dice.between(3, 58).to_string(),
        "order" => return format!("NB-{}", dice.between(10_000, 999_999)),
        // A slot nobody knows stays visible, and a test finds it.
        unknown => return format!("{{{unknown}}}"),
    };
    word.to_owned()
}

fn other_than(product: &Product, dice: &mut Dice) -> &'static str {
    let first = dice.below(PRODUCTS.len());
    let mut others = PRODUCTS.iter().cycle().skip(first).filter(|other| other.name != product.name);
    others.next().map_or(BRAND, |other| other.name)
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
