//! Composes a message from an opening, a body and a closing, in the style of its channel.

use super::catalogue::{BRAND, PRODUCTS, Product};
use super::channels::Style;
use super::cities::City;
use super::seeded_rng::SeededRng;
use super::templates::{Template, Tone};

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
const CLOSINGS: [&str; 6] = ["Regards,", "Best,", "Kind regards,", "Sincerely,", "Yours,", "Thanks,"];
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

/// Everything that determines a message.
pub struct MessageContext<'a> {
    pub product: &'a Product,
    pub template: &'a Template,
    pub style: Style,
    pub home: &'a City,
}

/// Composes the text of a message.
pub fn message(context: &MessageContext<'_>, rng: &mut SeededRng) -> String {
    let template = context.template;
    let opening = if rng.happens(0.6) { rng.word(template.openings) } else { "" };
    let closing = if rng.happens(0.7) { rng.word(template.closings) } else { "" };
    let body = rng.word(template.bodies);
    let begins = opening.is_empty() || opening.trim_end().ends_with(['.', '!', '?']);
    let said = format!("{opening}{}{closing}", if begins { capitalized(body) } else { body.to_owned() });
    filled(&styled(&said, context, rng), context, rng)
}

fn styled(said: &str, context: &MessageContext<'_>, rng: &mut SeededRng) -> String {
    let emoji = rng.word(context.template.emoji);
    match context.style {
        Style::Social => {
            let mut text = said.to_owned();
            if rng.happens(0.45) {
                text = format!("{text} {emoji}");
            }
            if rng.happens(0.35) {
                text = format!("{text} #{}", context.product.tag);
            }
            if rng.happens(0.15) {
                text = format!("{text} {}", rng.word(&TAGS));
            }
            text
        }
        Style::Email => {
            let (greeting, closing) = (rng.word(&GREETINGS), rng.word(&CLOSINGS));
            format!("{greeting}\n\n{said}\n\n{closing}\n{}", rng.word(&AGENTS))
        }
        Style::Chat => format!("{}{}", rng.word(&CHAT), said.to_lowercase().replace("@nimbrel ", "")),
        Style::Phone => format!("{}“{said}”", rng.word(&PHONE)),
        Style::Review => {
            let n_stars = match context.template.tone {
                Tone::Positive => rng.between(4, 5),
                Tone::Neutral => 3,
                Tone::Negative => rng.between(1, 2),
            };
            let stars: String = (1..=5).map(|star| if star <= n_stars { '★' } else { '☆' }).collect();
            format!("{stars} {said}")
        }
        Style::Forum => {
            let title = match rng.below(3) {
                0 => "{product}: {feature}",
                1 => "{product} after {since}",
                _ => "[{product}]",
            };
            format!("{title}\n\n{said}")
        }
    }
}

/// Fills every `{…}` slot. The product's slot gets the same text each time.
fn filled(template: &str, context: &MessageContext<'_>, rng: &mut SeededRng) -> String {
    let mut text = String::with_capacity(2 * template.len());
    let mut rest = template;
    while let Some((before, (slot, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        text.push_str(before);
        text.push_str(&value(slot, context, rng));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn value(slot: &str, context: &MessageContext<'_>, rng: &mut SeededRng) -> String {
    let product = context.product;
    let word = match slot {
        "product" => product.name,
        "thing" => product.thing,
        "feature" => rng.word(&product.features),
        "delight" => rng.word(&product.delights),
        "fault" => rng.word(&product.faults),
        "price" => rng.word(&product.price),
        "rival" => rng.word(&product.rivals),
        "brand" => BRAND,
        "city" => context.home.city,
        "agent" => rng.word(&AGENTS),
        "friend" => rng.word(&FRIENDS),
        "since" => rng.word(&SINCE),
        "day" => rng.word(&DAYS),
        "other" => other_than(product, rng),
        "n" => return rng.between(4, 12).to_string(),
        "minutes" => return rng.between(3, 58).to_string(),
        "order" => return format!("NB-{}", rng.between(10_000, 999_999)),
        // An unknown slot is kept so that a test finds it.
        unknown => return format!("{{{unknown}}}"),
    };
    word.to_owned()
}

fn other_than(product: &Product, rng: &mut SeededRng) -> &'static str {
    let first = rng.below(PRODUCTS.len());
    let mut others = PRODUCTS.iter().cycle().skip(first).filter(|other| other.name != product.name);
    others.next().map_or(BRAND, |other| other.name)
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
