//! From what a network answers to what we call it: activation, calibration and labels.

use std::collections::HashMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{InferenceError, Reading};
use crate::models::score::EMOTIONS;

/// The order of [`Reading::sentiment`].
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// How far from a probability rounding may take one, and from 1 the sum of those that exclude each other.
const ROUNDING: f32 = 1e-3;

/// One of the questions that are asked about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// Pleased, displeased or neither.
    Sentiment,
    /// Which of seven emotions.
    Emotion,
    /// How toxic.
    Toxicity,
    /// How near to leaving.
    ChurnRisk,
}

impl HeadKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sentiment, Self::Emotion, Self::Toxicity, Self::ChurnRisk];

    /// As manifests name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sentiment => "sentiment",
            Self::Emotion => "emotion",
            Self::Toxicity => "toxicity",
            Self::ChurnRisk => "churn_risk",
        }
    }

    /// Our labels, in our order.
    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Sentiment => &SENTIMENTS,
            Self::Emotion => &EMOTIONS,
            Self::Toxicity => &["toxicity"],
            Self::ChurnRisk => &["churn_risk"],
        }
    }

    fn slots(self, reading: &mut Reading) -> &mut [f32] {
        match self {
            Self::Sentiment => &mut reading.sentiment,
            Self::Emotion => &mut reading.emotion,
            Self::Toxicity => std::slice::from_mut(&mut reading.toxicity),
            Self::ChurnRisk => std::slice::from_mut(&mut reading.churn_risk),
        }
    }
}

/// What a manifest says about a head: the name of its output alone, where that is one probability, or all of it.
#[derive(Debug)]
pub enum HeadSpec {
    /// One probability a text.
    Probability(String),
    /// Several numbers a text, or logits.
    Numbers(NumbersSpec),
}

/// By hand, because the derived form would not say which field is wrong.
impl<'de> Deserialize<'de> for HeadSpec {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(reader)? {
            serde_json::Value::String(output) => Ok(Self::Probability(output)),
            value => serde_json::from_value(value).map(Self::Numbers).map_err(D::Error::custom),
        }
    }
}

/// An output, and what its numbers mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersSpec {
    /// Its name in the graph.
    name: String,
    /// What makes probabilities of its numbers.
    #[serde(default)]
    activation: Activation,
    /// What logits are divided by, so that probabilities come true as often as they say.
    #[serde(default = "one")]
    temperature: f32,
    /// What each number is about, in order: our labels or the model's.
    #[serde(default)]
    labels: Vec<String>,
    /// What the model's labels are called here; `null` for those that are of no use.
    #[serde(default)]
    map: HashMap<String, Option<String>>,
}

fn one() -> f32 {
    1.0
}

/// What makes probabilities of a network's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Activation {
    /// Nothing: the graph did.
    #[default]
    None,
    /// One of them is the case.
    Softmax,
    /// Each may be the case.
    Sigmoid,
}

/// One output of a network, understood.
#[derive(Debug, Clone)]
pub struct Head {
    /// Which question it answers.
    pub kind: HeadKind,
    /// The name of the output.
    pub output: String,
    activation: Activation,
    temperature: f32,
    /// For each number, which of our labels it speaks for.
    columns: Vec<Option<usize>>,
}

impl Head {
    /// Understands what the manifest says.
    ///
    /// # Errors
    /// Why it makes no sense, for people.
    pub fn new(kind: HeadKind, spec: &HeadSpec) -> Result<Self, String> {
        let spec = match spec {
            HeadSpec::Numbers(spec) => spec,
            HeadSpec::Probability(output) => {
                let columns = columns(kind, &[], &HashMap::new())?;
                let (output, activation) = (output.clone(), Activation::None);
                return Ok(Self { kind, output, activation, temperature: 1.0, columns });
            }
        };
        let NumbersSpec { name, activation, temperature, labels, map } = spec;
        if !(temperature.is_finite() && *temperature > 0.0) {
            return Err("`temperature` must be above 0".into());
        }
        if *activation == Activation::None && *temperature != 1.0 {
            return Err("`temperature` is for logits: it needs an `activation`".into());
        }
        let columns = columns(kind, labels, map)?;
        if kind == HeadKind::Sentiment {
            if *activation == Activation::Sigmoid {
                return Err("a text has one sentiment: `activation` must be `softmax`".into());
            }
            if columns.contains(&None) {
                return Err("every label must mean something, or the rest would not sum to 1".into());
            }
        }
        Ok(Self { kind, output: name.clone(), activation: *activation, temperature: *temperature, columns })
    }

    /// How many numbers it has for each text.
    pub fn n_numbers(&self) -> usize {
        self.columns.len()
    }

    /// Writes what the network's numbers about one text mean into its reading.
    ///
    /// Where several labels mean one of ours, exclusive ones add up, and of independent ones the likeliest counts.
    /// Sentiments exclude each other whoever made probabilities of them.
    ///
    /// # Errors
    /// When a number is none, or is said to be a probability and is not, or sentiments do not sum to 1.
    pub fn write(&self, numbers: &[f32], reading: &mut Reading) -> Result<(), InferenceError> {
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(InferenceError::NotFinite);
        }
        let highest = numbers.iter().copied().fold(f32::MIN, f32::max);
        let power = |logit: f32| ((logit - highest) / self.temperature).exp();
        let sum: f32 = numbers.iter().copied().map(power).sum();
        let given: f32 = numbers.iter().sum();
        let is_exclusive = self.kind == HeadKind::Sentiment;
        let slots = self.kind.slots(reading);
        slots.fill(0.0);
        for (number, column) in numbers.iter().zip(&self.columns) {
            let Some(slot) = column.and_then(|column| slots.get_mut(column)) else {
                continue;
            };
            match self.activation {
                Activation::Softmax => *slot += power(*number) / sum,
                Activation::Sigmoid => *slot = slot.max(1.0 / (1.0 + (-number / self.temperature).exp())),
                Activation::None if !(-ROUNDING..=1.0 + ROUNDING).contains(number) => {
                    return Err(InferenceError::NoProbability {
                        output: self.output.clone(),
                        number: *number,
                    });
                }
                Activation::None if is_exclusive => *slot += number.clamp(0.0, 1.0),
                Activation::None => *slot = slot.max(number.clamp(0.0, 1.0)),
            }
        }
        // Several may be near 1 that were never weighed against each other: a wrong label would pass for a sure one.
        if is_exclusive && self.activation == Activation::None && (given - 1.0).abs() > ROUNDING {
            return Err(InferenceError::NoDistribution { output: self.output.clone(), sum: given });
        }
        Ok(())
    }
}

/// For each of the model's labels, which of ours it means.
fn columns(
    kind: HeadKind,
    labels: &[String],
    map: &HashMap<String, Option<String>>,
) -> Result<Vec<Option<usize>>, String> {
    let ours = kind.labels();
    if labels.is_empty() && ours.len() == 1 {
        return Ok(vec![Some(0)]);
    }
    let position = |name: &str| ours.iter().position(|label| label.eq_ignore_ascii_case(name));
    let mut columns = Vec::with_capacity(labels.len());
    for label in labels {
        columns.push(match map.get(label) {
            Some(None) => None,
            Some(Some(meaning)) => {
                Some(position(meaning).ok_or_else(|| format!("`{meaning}` is none of {ours:?}"))?)
            }
            None => Some(position(label).ok_or_else(|| {
                format!("label `{label}` is none of {ours:?}; say in `map` what it means, or null")
            })?),
        });
    }
    match (0..ours.len()).find(|slot| !columns.contains(&Some(*slot))) {
        Some(slot) => Err(format!("no label means `{}`", ours.get(slot).unwrap_or(&""))),
        None => Ok(columns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: HeadKind, spec: &str) -> Result<Head, String> {
        Head::new(kind, &serde_json::from_str(spec).unwrap())
    }

    fn read(head: &Head, numbers: &[f32]) -> Reading {
        let mut reading = Reading::default();
        head.write(numbers, &mut reading).unwrap();
        reading
    }

    #[test]
    fn logits_become_calibrated_probabilities_in_our_order() {
        let spec = r#"{"name":"logits","activation":"softmax","temperature":2,"labels":["LABEL_2","LABEL_1","LABEL_0"],
            "map":{"LABEL_0":"negative","LABEL_1":"neutral","LABEL_2":"positive"}}"#;
        let [negative, neutral, positive] =
            read(&head(HeadKind::Sentiment, spec).unwrap(), &[4.0, 2.0, 0.0]).sentiment;
        // e², e¹ and e⁰ by their sum.
        assert!(
            (positive - 0.665_24).abs() < 1e-4 && (neutral - 0.244_73).abs() < 1e-4,
            "{positive} {neutral}"
        );
        assert!((negative + neutral + positive - 1.0).abs() < 1e-6);
    }

    #[test]
    fn exclusive_labels_add_up_and_of_independent_ones_the_likeliest_counts() {
        let stars = r#"{"name":"logits","activation":"softmax","labels":["1","2","3","4","5"],
            "map":{"1":"negative","2":"negative","3":"neutral","4":"positive","5":"positive"}}"#;
        let reading = read(&head(HeadKind::Sentiment, stars).unwrap(), &[0.0; 5]);
        assert!((reading.sentiment[0] - 0.4).abs() < 1e-6, "{reading:?}");
        let toxic = r#"{"name":"logits","activation":"sigmoid","labels":["toxic","threat","other"],
            "map":{"toxic":"toxicity","threat":"toxicity","other":null}}"#;
        let reading = read(&head(HeadKind::Toxicity, toxic).unwrap(), &[0.0, -3.0, 9.0]);
        assert!((reading.toxicity - 0.5).abs() < 1e-6, "{reading:?}");
    }

    #[test]
    fn huge_logits_overflow_nothing() {
        let spec = r#"{"name":"x","activation":"softmax","labels":["negative","neutral","positive"]}"#;
        let reading = read(&head(HeadKind::Sentiment, spec).unwrap(), &[-3e38, 0.0, 3e38]);
        assert_eq!(reading.sentiment, [0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_no_probability_is_not_passed_off_as_one() {
        let plain = head(HeadKind::Toxicity, r#""toxicity""#).unwrap();
        let mut reading = Reading::default();
        assert!(matches!(plain.write(&[1.7], &mut reading), Err(InferenceError::NoProbability { .. })));
        assert!(matches!(plain.write(&[f32::NAN], &mut reading), Err(InferenceError::NotFinite)));
        plain.write(&[1.000_01], &mut reading).unwrap();
        assert_eq!(reading.toxicity, 1.0);
    }

    #[test]
    fn sentiments_the_graph_made_probabilities_of_add_up_and_sum_to_one() {
        let stars = r#"{"name":"stars","labels":["1","2","3","4","5"],
            "map":{"1":"negative","2":"negative","3":"neutral","4":"positive","5":"positive"}}"#;
        let stars = head(HeadKind::Sentiment, stars).unwrap();
        let [negative, neutral, positive] = read(&stars, &[0.25, 0.25, 0.4, 0.1, 0.0]).sentiment;
        assert!((negative - 0.5).abs() < 1e-6 && (neutral - 0.4).abs() < 1e-6, "{negative} {neutral}");
        assert!((positive - 0.1).abs() < 1e-6, "{positive}");

        let plain = r#"{"name":"x","labels":["negative","neutral","positive"]}"#;
        let plain = head(HeadKind::Sentiment, plain).unwrap();
        let mut reading = Reading::default();
        for sigmoids in [[0.9; 3], [0.1, 0.1, 0.7]] {
            let refusal = plain.write(&sigmoids, &mut reading).unwrap_err();
            assert!(matches!(refusal, InferenceError::NoDistribution { .. }), "{refusal}");
            assert!(refusal.to_string().contains(r#""activation": "softmax""#), "{refusal}");
        }
        plain.write(&[0.000_4, 0.000_4, 0.999_6], &mut reading).unwrap();
    }

    #[test]
    fn what_a_head_cannot_mean_is_refused() {
        let check = |kind: HeadKind, spec: &str, reason: &str| {
            let told = head(kind, spec).unwrap_err();
            assert!(told.contains(reason), "{told}");
        };
        let sentiment = HeadKind::Sentiment;
        check(sentiment, r#"{"name":"x","labels":["negative","positive"]}"#, "no label means `neutral`");
        check(sentiment, r#"{"name":"x","labels":["negative","neutral","LABEL_2"]}"#, "LABEL_2");
        check(sentiment, r#""x""#, "no label means `negative`");
        let labels = r#""labels":["negative","neutral","positive"]"#;
        check(sentiment, &format!(r#"{{"name":"x","activation":"sigmoid",{labels}}}"#), "one sentiment");
        check(sentiment, &format!(r#"{{"name":"x","temperature":2,{labels}}}"#), "needs an `activation`");
        let zero = format!(r#"{{"name":"x","activation":"softmax","temperature":0,{labels}}}"#);
        check(sentiment, &zero, "above 0");
        check(HeadKind::Toxicity, r#"{"name":"x","labels":["a"],"map":{"a":"rude"}}"#, "rude");
    }
}
