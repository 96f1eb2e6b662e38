use super::*;

fn rule() -> serde_json::Value {
    serde_json::json!({
        "name": "angry people", "metric": "emotion:anger", "scope": {"dimension": "product"},
        "window_seconds": 300, "comparison": "above", "threshold": 0.4, "clear_threshold": 0.3, "severity": "info"
    })
}

/// Replaces one part of a valid rule and returns the field that is rejected.
fn refused(path: &str, value: serde_json::Value) -> String {
    let mut written = rule();
    *written.pointer_mut(path).unwrap_or(&mut serde_json::Value::Null) = value.clone();
    if written.pointer(path).is_none() {
        written.as_object_mut().unwrap().insert(path.trim_start_matches('/').to_owned(), value);
    }
    let rule: NewRule = serde_json::from_value(written).unwrap();
    rule.check().err().map(|rejection| rejection.field).unwrap_or_default()
}

#[test]
fn omitted_fields_default_to_harmless_values() {
    let rule: NewRule = serde_json::from_value(rule()).unwrap();
    assert_eq!(rule.check(), Ok(()));
    assert!(rule.enabled && rule.scope.key.is_none() && rule.channels.is_empty());
    assert_eq!((rule.for_seconds, rule.keep_firing_seconds, rule.cooldown_seconds), (0, 0, 60));
}

#[test]
fn an_invalid_rule_is_rejected_with_the_field_that_is_wrong() {
    for (path, value, field) in [
        ("/name", serde_json::json!(" "), "name"),
        ("/name", serde_json::json!("a\nb"), "name"),
        ("/scope", serde_json::json!({"dimension": "overall", "key": "x"}), "scope.key"),
        ("/scope", serde_json::json!({"dimension": "city", "key": ""}), "scope.key"),
        ("/threshold", serde_json::json!(1.1), "threshold"),
        ("/clear_threshold", serde_json::json!(-0.1), "clear_threshold"),
        ("/clear_threshold", serde_json::json!(0.5), "clear_threshold"),
        ("/comparison", serde_json::json!("below"), "clear_threshold"),
        ("/window_seconds", serde_json::json!(0), "window_seconds"),
        ("/window_seconds", serde_json::json!(15), "window_seconds"),
        ("/window_seconds", serde_json::json!(86_410), "window_seconds"),
        ("/for_seconds", serde_json::json!(-1), "for_seconds"),
        ("/keep_firing_seconds", serde_json::json!(86_401), "keep_firing_seconds"),
        ("/cooldown_seconds", serde_json::json!(-5), "cooldown_seconds"),
        ("/minimum_volume", serde_json::json!(-1), "minimum_volume"),
        ("/metric", serde_json::json!("virality"), "threshold"),
    ] {
        assert_eq!(refused(path, value.clone()), field, "{path} = {value}");
    }
}

#[test]
fn a_low_volume_rule_needs_one_key() {
    let mut volume: NewRule = serde_json::from_value(rule()).unwrap();
    (volume.metric, volume.comparison) = (Metric::Volume, Comparison::Below);
    (volume.threshold, volume.clear_threshold) = (5.0, None);
    assert_eq!(volume.check().unwrap_err().field, "scope.key");
    volume.scope.key = Some("alpha".to_owned());
    assert_eq!(volume.check(), Ok(()));
}

#[test]
fn every_metric_is_found_by_its_own_name_only() {
    for metric in Metric::all() {
        assert_eq!(Metric::from_name(&metric.name()), Some(metric));
    }
    assert_eq!(Metric::from_name("emotion:love"), None);
    let error = serde_json::from_value::<Metric>(serde_json::json!("sales")).unwrap_err().to_string();
    assert!(error.contains("negative_share") && error.contains("emotion:surprise"), "{error}");
}

#[test]
fn a_rule_about_each_product_skips_posts_without_one() {
    let of = |dimension, key: &str| Scope { dimension, key: key.to_owned() };
    let each = RuleScope { dimension: Dimension::Product, key: None };
    assert!(each.covers(&of(Dimension::Product, "alpha")));
    assert!(!each.covers(&of(Dimension::Product, "")) && !each.covers(&of(Dimension::City, "alpha")));
    assert!(RuleScope { dimension: Dimension::Overall, key: None }.covers(&Scope::overall()));
}

#[test]
fn the_churn_rule_stays_about_single_posts() {
    let mut churn: NewRule = serde_json::from_value(rule()).unwrap();
    assert_eq!(churn.check_in_place_of(CHURN).unwrap_err().field, "metric");
    (churn.metric, churn.threshold, churn.clear_threshold) = (Metric::ChurnHigh, 3.0, None);
    // It must not claim conditions that it does not evaluate.
    (churn.minimum_volume, churn.for_seconds) = (1, 0);
    assert_eq!(churn.check_in_place_of(CHURN).unwrap_err().field, "minimum_volume");
    (churn.minimum_volume, churn.for_seconds) = (0, 1);
    assert_eq!(churn.check_in_place_of(CHURN).unwrap_err().field, "for_seconds");
    churn.for_seconds = 0;
    assert_eq!(churn.check_in_place_of(CHURN), Ok(()));
    churn.scope.dimension = Dimension::City;
    assert_eq!(churn.check_in_place_of(CHURN).unwrap_err().field, "scope");
    assert_eq!(churn.check_in_place_of(NEGATIVITY_OVERALL), Ok(()));
}
