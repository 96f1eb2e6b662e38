//! Heads: convert a network's numbers to predictions, using activation, calibration and labels.

use std::collections::HashMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{InferenceError, Prediction};
use crate::models::score::EMOTIONS;

/// Labels in the order of [`Prediction::sentiment`].
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// Tolerated rounding error of a probability, and of the sum of mutually exclusive probabilities.
const ROUNDING: f32 = 1e-3;

/// Kind of prediction that a head makes about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// Whether the text is negative, neutral or positive.
    Sentiment,
    /// Probability of each of seven emotions.
    Emotion,
    /// Probability that the text is toxic.
    Toxicity,
    /// Risk that the author will leave.
    ChurnRisk,
}

impl HeadKind {
    /// All kinds; a tier must be able to predict every one of them.
    pub const ALL: [Self; 4] = [Self::Sentiment, Self::Emotion, Self::Toxicity, Self::ChurnRisk];

    /// Returns the name that manifests use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sentiment => "sentiment",
            Self::Emotion => "emotion",
            Self::Toxicity => "toxicity",
            Self::ChurnRisk => "churn_risk",
        }
    }

    /// Returns the labels that a head of this kind predicts, in the order of [`Prediction`].
    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Sentiment => &SENTIMENTS,
            Self::Emotion => &EMOTIONS,
            Self::Toxicity => &["toxicity"],
            Self::ChurnRisk => &["churn_risk"],
        }
    }

    fn slots(self, prediction: &mut Prediction) -> &mut [f32] {
        match self {
            Self::Sentiment => &mut prediction.sentiment,
            Self::Emotion => &mut prediction.emotion,
            Self::Toxicity => std::slice::from_mut(&mut prediction.toxicity),
            Self::ChurnRisk => std::slice::from_mut(&mut prediction.churn_risk),
        }
    }
}

/// Specification of a head in a manifest: the output's name if the output is a single probability, otherwise the full
/// form.
#[derive(Debug)]
pub enum HeadSpec {
    /// Name of an output with one probability per text.
    Probability(String),
    /// Output with several numbers per text, or with logits.
    Numbers(NumbersSpec),
}

/// Written by hand because the derived implementation does not say which field is wrong.
impl<'de> Deserialize<'de> for HeadSpec {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(reader)? {
            serde_json::Value::String(output) => Ok(Self::Probability(output)),
            value => serde_json::from_value(value).map(Self::Numbers).map_err(D::Error::custom),
        }
    }
}

/// Full form of a head's specification: an output, and what its numbers mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersSpec {
    /// Name of the output in the graph.
    name: String,
    /// Function that converts the numbers to probabilities.
    #[serde(default)]
    activation: Activation,
    /// Number by which the logits are divided to calibrate the probabilities; 1 leaves them unchanged.
    #[serde(default = "one")]
    temperature: f32,
    /// Label of each number, in order: one of this crate's labels, or one of the model's own, which `map` translates.
    #[serde(default)]
    labels: Vec<String>,
    /// This crate's label for each of the model's labels; `null` for an unused one.
    #[serde(default)]
    map: HashMap<String, Option<String>>,
}

fn one() -> f32 {
    1.0
}

/// Function that converts a network's numbers to probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Activation {
    /// Identity: the graph already returns probabilities.
    #[default]
    None,
    /// Softmax, for mutually exclusive labels.
    Softmax,
    /// Sigmoid, for independent labels.
    Sigmoid,
}

/// A network's output, checked against the manifest.
#[derive(Debug, Clone)]
pub struct Head {
    /// Prediction that the output contains.
    pub kind: HeadKind,
    /// Name of the output in the graph.
    pub output: String,
    activation: Activation,
    temperature: f32,
    /// Index of the label that each number contributes to; `None` if the number is unused.
    columns: Vec<Option<usize>>,
}

impl Head {
    /// Checks a head's specification from a manifest.
    ///
    /// # Errors
    /// A human-readable reason if the specification is not valid.
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
            return Err("`temperature` must be greater than 0".into());
        }
        if *activation == Activation::None && *temperature != 1.0 {
            return Err("`temperature` applies to logits: it requires an `activation`".into());
        }
        let columns = columns(kind, labels, map)?;
        if kind == HeadKind::Sentiment {
            if *activation == Activation::Sigmoid {
                return Err("sentiments are mutually exclusive: `activation` must be `softmax`".into());
            }
            if columns.contains(&None) {
                return Err("every label must be mapped, or the others would not sum to 1".into());
            }
        }
        Ok(Self { kind, output: name.clone(), activation: *activation, temperature: *temperature, columns })
    }

    /// Returns how many numbers the output has per text.
    pub fn n_numbers(&self) -> usize {
        self.columns.len()
    }

    /// Converts the network's numbers for one text and stores them in `prediction`.
    ///
    /// If several of the model's labels map to the same label in this crate, mutually exclusive probabilities are
    /// added, and the maximum of independent ones is used. Sentiments are mutually exclusive, whichever activation
    /// produced them.
    ///
    /// # Errors
    /// If a value is not finite, a value that should be a probability is not one, or the sentiments do not sum to 1.
    pub fn write(&self, numbers: &[f32], prediction: &mut Prediction) -> Result<(), InferenceError> {
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(InferenceError::NotFinite);
        }
        let highest = numbers.iter().copied().fold(f32::MIN, f32::max);
        let power = |logit: f32| ((logit - highest) / self.temperature).exp();
        let sum: f32 = numbers.iter().copied().map(power).sum();
        let given: f32 = numbers.iter().sum();
        let is_exclusive = self.kind == HeadKind::Sentiment;
        let slots = self.kind.slots(prediction);
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
        // Independent probabilities may all be near 1: a wrong label would look certain.
        if is_exclusive && self.activation == Activation::None && (given - 1.0).abs() > ROUNDING {
            return Err(InferenceError::NoDistribution { output: self.output.clone(), sum: given });
        }
        Ok(())
    }
}

/// Returns, for each of the model's labels, the index of the corresponding label of this crate.
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
                Some(position(meaning).ok_or_else(|| format!("`{meaning}` is not one of {ours:?}"))?)
            }
            None => Some(position(label).ok_or_else(|| {
                format!("label `{label}` is not one of {ours:?}; map it to one of them, or to null, in `map`")
            })?),
        });
    }
    match (0..ours.len()).find(|slot| !columns.contains(&Some(*slot))) {
        Some(slot) => Err(format!("no label maps to `{}`", ours.get(slot).unwrap_or(&""))),
        None => Ok(columns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: HeadKind, spec: &str) -> Result<Head, String> {
        Head::new(kind, &serde_json::from_str(spec).unwrap())
    }

    fn read(head: &Head, numbers: &[f32]) -> Prediction {
        let mut prediction = Prediction::default();
        head.write(numbers, &mut prediction).unwrap();
        prediction
    }

    #[test]
    fn logits_become_calibrated_probabilities_in_our_order() {
        let spec = r#"{"name":"logits","activation":"softmax","temperature":2,"labels":["LABEL_2","LABEL_1","LABEL_0"],
            "map":{"LABEL_0":"negative","LABEL_1":"neutral","LABEL_2":"positive"}}"#;
        let [negative, neutral, positive] =
            read(&head(HeadKind::Sentiment, spec).unwrap(), &[4.0, 2.0, 0.0]).sentiment;
        // e², e¹ and e⁰, each divided by their sum.
        assert!(
            (positive - 0.665_24).abs() < 1e-4 && (neutral - 0.244_73).abs() < 1e-4,
            "{positive} {neutral}"
        );
        assert!((negative + neutral + positive - 1.0).abs() < 1e-6);
    }

    #[test]
    fn exclusive_labels_add_up_and_the_maximum_of_independent_ones_counts() {
        let stars = r#"{"name":"logits","activation":"softmax","labels":["1","2","3","4","5"],
            "map":{"1":"negative","2":"negative","3":"neutral","4":"positive","5":"positive"}}"#;
        let prediction = read(&head(HeadKind::Sentiment, stars).unwrap(), &[0.0; 5]);
        assert!((prediction.sentiment[0] - 0.4).abs() < 1e-6, "{prediction:?}");
        let toxic = r#"{"name":"logits","activation":"sigmoid","labels":["toxic","threat","other"],
            "map":{"toxic":"toxicity","threat":"toxicity","other":null}}"#;
        let prediction = read(&head(HeadKind::Toxicity, toxic).unwrap(), &[0.0, -3.0, 9.0]);
        assert!((prediction.toxicity - 0.5).abs() < 1e-6, "{prediction:?}");
    }

    #[test]
    fn huge_logits_overflow_nothing() {
        let spec = r#"{"name":"x","activation":"softmax","labels":["negative","neutral","positive"]}"#;
        let prediction = read(&head(HeadKind::Sentiment, spec).unwrap(), &[-3e38, 0.0, 3e38]);
        assert_eq!(prediction.sentiment, [0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_value_that_is_not_a_probability_is_refused() {
        let plain = head(HeadKind::Toxicity, r#""toxicity""#).unwrap();
        let mut prediction = Prediction::default();
        assert!(matches!(plain.write(&[1.7], &mut prediction), Err(InferenceError::NoProbability { .. })));
        assert!(matches!(plain.write(&[f32::NAN], &mut prediction), Err(InferenceError::NotFinite)));
        plain.write(&[1.000_01], &mut prediction).unwrap();
        assert_eq!(prediction.toxicity, 1.0);
    }

    #[test]
    fn sentiments_with_probabilities_from_the_graph_add_up_and_sum_to_one() {
        let stars = r#"{"name":"stars","labels":["1","2","3","4","5"],
            "map":{"1":"negative","2":"negative","3":"neutral","4":"positive","5":"positive"}}"#;
        let stars = head(HeadKind::Sentiment, stars).unwrap();
        let [negative, neutral, positive] = read(&stars, &[0.25, 0.25, 0.4, 0.1, 0.0]).sentiment;
        assert!((negative - 0.5).abs() < 1e-6 && (neutral - 0.4).abs() < 1e-6, "{negative} {neutral}");
        assert!((positive - 0.1).abs() < 1e-6, "{positive}");

        let plain = r#"{"name":"x","labels":["negative","neutral","positive"]}"#;
        let plain = head(HeadKind::Sentiment, plain).unwrap();
        let mut prediction = Prediction::default();
        for sigmoids in [[0.9; 3], [0.1, 0.1, 0.7]] {
            let refusal = plain.write(&sigmoids, &mut prediction).unwrap_err();
            assert!(matches!(refusal, InferenceError::NoDistribution { .. }), "{refusal}");
            assert!(refusal.to_string().contains(r#""activation": "softmax""#), "{refusal}");
        }
        plain.write(&[0.000_4, 0.000_4, 0.999_6], &mut prediction).unwrap();
    }

    #[test]
    fn an_invalid_head_is_refused() {
        let check = |kind: HeadKind, spec: &str, reason: &str| {
            let reason_given = head(kind, spec).unwrap_err();
            assert!(reason_given.contains(reason), "{reason_given}");
        };
        let sentiment = HeadKind::Sentiment;
        check(sentiment, r#"{"name":"x","labels":["negative","positive"]}"#, "no label maps to `neutral`");
        check(sentiment, r#"{"name":"x","labels":["negative","neutral","LABEL_2"]}"#, "LABEL_2");
        check(sentiment, r#""x""#, "no label maps to `negative`");
        let labels = r#""labels":["negative","neutral","positive"]"#;
        check(sentiment, &format!(r#"{{"name":"x","activation":"sigmoid",{labels}}}"#), "mutually exclusive");
        check(sentiment, &format!(r#"{{"name":"x","temperature":2,{labels}}}"#), "requires an `activation`");
        let zero = format!(r#"{{"name":"x","activation":"softmax","temperature":0,{labels}}}"#);
        check(sentiment, &zero, "greater than 0");
        check(HeadKind::Toxicity, r#"{"name":"x","labels":["a"],"map":{"a":"rude"}}"#, "rude");
    }
}
