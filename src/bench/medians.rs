//! Combines the rounds of a measurement: the median of each figure.

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Returns the median of each number across the rounds that have it; with an even number of rounds, the upper of the
/// middle two. Values that are not numbers come from the first round.
///
/// # Errors
/// If there are no rounds.
pub fn medians<T: Serialize + DeserializeOwned>(rounds: &[T]) -> anyhow::Result<T> {
    let rounds = rounds.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let median = median_of(&rounds.iter().collect::<Vec<_>>()).context("nothing was measured")?;
    Ok(serde_json::from_value(median)?)
}

fn median_of(rounds: &[&Value]) -> Option<Value> {
    match rounds.first()? {
        Value::Object(first) => {
            let of = |name: &String| {
                let values: Vec<&Value> = rounds.iter().filter_map(|round| round.get(name)).collect();
                Some((name.clone(), median_of(&values)?))
            };
            Some(Value::Object(first.keys().filter_map(of).collect::<Map<_, _>>()))
        }
        Value::Number(_) => {
            let mut numbers = rounds.to_vec();
            let of = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
            numbers.sort_by(|one, other| of(one).total_cmp(&of(other)));
            numbers.get(numbers.len() / 2).map(|median| (*median).clone())
        }
        other => Some((*other).clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Round {
        name: String,
        n: usize,
        inner: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        ms: f64,
        worst: Vec<f64>,
    }

    fn round(n: usize, ms: f64) -> Round {
        Round { name: "a".to_owned(), n, inner: Some(Inner { ms, worst: vec![ms] }) }
    }

    #[test]
    fn each_number_is_its_own_median() {
        let rounds = [round(3, 1.5), round(1, 9.0), round(2, 0.5)];
        let expected = Round { name: "a".to_owned(), n: 2, inner: Some(Inner { ms: 1.5, worst: vec![1.5] }) };
        assert_eq!(medians(&rounds).unwrap(), expected);
        assert_eq!(medians(&[round(1, 1.0), round(5, 2.0)]).unwrap().n, 5);
    }

    #[test]
    fn a_value_that_no_round_has_stays_absent() {
        let rounds = [Round { name: "b".to_owned(), n: 1, inner: None }];
        assert_eq!(medians(&rounds).unwrap(), rounds[0]);
        assert!(medians::<Round>(&[]).is_err());
    }
}
