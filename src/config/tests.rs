use std::time::Duration;

use clap::{Args, Command, FromArgMatches};

use super::inference::{LATENCY_BUDGET_MAX, latency_budget};
use super::*;

fn command() -> Command {
    Config::augment_args(Command::new("serve"))
}

fn config(arguments: &[&str]) -> Config {
    let all = std::iter::once("serve").chain(arguments.iter().copied());
    Config::from_arg_matches(&command().try_get_matches_from(all).unwrap()).unwrap()
}

fn is_refused(option: &str, value: &str) -> bool {
    command().try_get_matches_from(["serve", option, value]).is_err()
}

#[test]
fn the_defaults_make_sense() {
    config(&[]).check().unwrap();
}

#[test]
fn one_server_alone_is_an_error() {
    let error = config(&["--redis-url", "redis://127.0.0.1"]).check().unwrap_err();
    assert_eq!(error, ConfigError::OneServer { set: "REDIS_URL", unset: "DATABASE_URL" });
}

#[test]
fn other_machines_are_not_let_in_without_a_token_or_an_account() {
    let check = |options: &[&str], has_users: bool, may_be_open: bool, is_refused: bool| {
        let config = config(options);
        assert_eq!(config.may_be_open(), may_be_open, "{options:?}");
        let refusal = config.check_open(has_users).err();
        assert_eq!(refusal.is_some(), is_refused, "{options:?} with accounts: {has_users}");
    };
    let token = ["--auth-token", "0123456789abcdef"];
    let everywhere = ["--listen", "0.0.0.0:8080"];
    check(&[], false, true, false);
    check(&token, false, false, false);
    check(&everywhere, false, false, true);
    check(&everywhere, true, false, false);
    check(&[&everywhere[..], &["--insecure-open"]].concat(), false, true, false);
    check(&[&everywhere[..], &token].concat(), false, false, false);
    assert!(is_refused("--auth-token", "short"));
}

#[test]
fn origins_are_whole_and_may_be_several() {
    let two = [
        "--allowed-origin",
        "https://a.example,http://localhost:5173",
        "--allowed-origin",
        "https://b.example",
    ];
    let names: Vec<_> = config(&two).http.allowed_origins.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["https://a.example", "http://localhost:5173", "https://b.example"]);
    for wrong in ["null", "*", "a.example", "https://a.example/", ""] {
        assert!(is_refused("--allowed-origin", wrong), "{wrong}");
    }
}

#[test]
fn quotas_and_proxies_are_read_from_their_lists() {
    let limits = config(&[]).limits;
    assert!(limits.rate_limits && limits.trusted_proxies.is_empty() && limits.rate_limit_quotas.is_empty());
    let set = ["--rate-limits=false", "--rate-limit-quotas", "free.score=7/1,stranger.read=9/3"];
    let limits = config(&[&set[..], &["--trusted-proxies", "10.0.0.0/8,192.0.2.1,fd00::/8"]].concat()).limits;
    assert!(!limits.rate_limits && limits.rate_limit_quotas.len() == 2);
    let networks: Vec<_> = limits.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]);
    for (option, wrong) in [
        ("--trusted-proxies", "10.0.0.0/99"),
        ("--trusted-proxies", "proxy.example"),
        ("--rate-limit-quotas", "free.score"),
        ("--forwarded-header", "x-real-ip"),
        ("--rate-limits", "maybe"),
    ] {
        assert!(is_refused(option, wrong), "{option} {wrong}");
    }
}

#[test]
fn the_latency_budget_is_a_time_within_half_of_the_claim_on_a_post() {
    assert!(LATENCY_BUDGET_MAX * 2 <= crate::store::posts::corrections::FIRST_CLAIM);
    let budget = |text: &str| config(&["--latency-budget", text]).inference.latency_budget;
    assert_eq!(config(&[]).inference.latency_budget, Duration::from_secs(1));
    assert_eq!([budget("0"), budget("250ms"), budget("15s")].map(|it| it.as_millis()), [0, 250, 15_000]);
    for wrong in ["1", "1 s", "s", "-1s", "1h", "16s", "15001ms", "99999999999999999999s", ""] {
        assert!(latency_budget(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn settings_of_notifications_that_cannot_be_right_are_named() {
    assert!(config(&["--notify-allow", "10.0.0.0/8,hooks.internal"]).check().is_ok());
    assert!(config(&["--notify-allow", "10.0.0.0/99"]).check().is_err());
    assert!(config(&["--smtp-url", "smtp://localhost"]).check().is_err());
    assert!(is_refused("--secret-key", "short"));
    let subject = |from: &[&str]| config(from).notify.push_subject();
    assert_eq!(subject(&["--smtp-from", "Mood <mood@example.org>"]), "mailto:mood@example.org");
    assert_eq!(subject(&["--smtp-from", "mood@example.org"]), "mailto:mood@example.org");
    assert_eq!(subject(&["--push-subject", "https://example.org"]), "https://example.org");
}

#[test]
fn the_live_window_is_some_buckets_long() {
    let seconds = |text: &str| config(&["--live-window", text]).live.live_window.seconds();
    assert_eq!(config(&[]).live.live_window.seconds(), 60);
    assert_eq!([seconds("10s"), seconds("90s"), seconds("5m"), seconds("15m")], [10, 90, 300, 900]);
    for wrong in ["0s", "5s", "65s", "16m", "60", "1h", "-60s", "m", "", "1.5m", "99999999999999999999m"] {
        assert!(is_refused("--live-window", wrong), "{wrong}");
    }
}

#[test]
fn an_operator_that_cannot_be_reached_is_named_by_its_place_and_without_its_secrets() {
    let hook = "webhook+https://ops.example.org/hook#whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    let two = format!("{hook},pagerduty:0123456789abcdef0123456789abcdef");
    assert_eq!(config(&["--operator-channel", &two]).notify.operators().unwrap().len(), 2);
    let problem = |text: &str| config(&["--operator-channel", text]).check().unwrap_err().to_string();
    let told = problem(&format!("{hook},pagerduty:secret"));
    assert!(told.contains("entry 2") && !told.contains("secret"), "{told}");
    assert!(problem("mailto:ann@example.org").contains("GROUNDSWELL_SMTP_URL"));
}

#[test]
fn products_are_read_from_their_list() {
    let products =
        config(&["--products", "Mayweather=mayweather,floyd; McGregor=mcgregor"]).pipeline.products;
    let names: Vec<_> = products.0.iter().map(|rule| (rule.name.as_str(), rule.keywords.len())).collect();
    assert_eq!(names, [("Mayweather", 2), ("McGregor", 1)]);
    assert!(is_refused("--products", "Mayweather"));
}

#[test]
fn a_number_out_of_range_is_refused_where_it_is_read() {
    for option in
        ["--batch-size", "--batches-in-flight", "--posts-per-commit", "--pool-size", "--alert-pool-size"]
    {
        assert!(is_refused(option, "0") && !is_refused(option, "1"), "{option}");
    }
    for option in ["--exports-max", "--history-updates", "--history-mb"] {
        assert!(is_refused(option, "0") && !is_refused(option, "1"), "{option}");
    }
    assert!(is_refused("--claim-idle-ms", "2999") && is_refused("--claim-idle-ms", "5001"));
    assert!(is_refused("--fast-model", "none") && !is_refused("--deep-model", "none"));
}
