use std::time::{Duration, Instant};

use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::runtime::Handle;

use super::*;
use crate::models::alert_rule::{NEGATIVITY_OVERALL, NEGATIVITY_PRODUCTS};
use crate::models::evaluation_report::TurnReport;
use crate::models::person_name::Stamp;
use crate::store::Store;
use crate::store::testing::{crowd, execute, number, posts, record, test_store};
use crate::stream::tests::redis::Redis;

/// Longest pause between two measurements of a window, which a slow query causes.
const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(60);

struct Bench {
    store: Store,
    evaluator: Evaluator,
    now: Timestamp,
    /// Redis that stops when the test ends.
    _redis: Redis,
}

impl Bench {
    async fn new() -> Self {
        let (store, redis) = (test_store().await, Redis::start());
        let updates = redis.connect().await.updates();
        let (measuring, io) = (store.clone(), Handle::current());
        let params = AlerterParams { store: store.clone(), measuring, updates, io };
        Self {
            store,
            evaluator: Evaluator::new(params, Clock::stopped()),
            now: Timestamp::now(),
            _redis: redis,
        }
    }

    /// Writes rollups of `n_products` products that are complete in the first turn.
    async fn crowd(&self, n_products: usize, n_posts_and_negative: (i64, i64)) {
        crowd(&self.store, (n_products, self.now), n_posts_and_negative).await;
    }

    /// Stores posts about one product, all at high churn risk.
    async fn posts_at_risk(&self, n: usize) {
        let mut posts = posts(n, self.now);
        for scored in &mut posts {
            scored.post.products = vec!["product 000001".to_owned()];
            scored.score.churn_risk = 0.9;
        }
        for batch in posts.chunks(500) {
            record(&self.store, batch).await.unwrap();
        }
    }

    /// Runs one turn, one second after the previous turn.
    async fn turn(&mut self) -> TurnReport {
        self.now += SignedDuration::from_secs(1);
        self.evaluator.evaluate(self.now).await.unwrap();
        evaluation::last_report(&self.store).await.unwrap().unwrap()
    }

    async fn n_open(&self) -> i64 {
        number(&self.store, "SELECT count(*) FROM sentiment_alerts WHERE state = 'open'").await
    }

    /// Creates another rule that applies to each product, like the built-in one.
    async fn rule(&self, name: &str) -> Rule {
        let mut what = rules::get(&self.store, NEGATIVITY_PRODUCTS).await.unwrap().unwrap().what;
        what.name = name.to_owned();
        rules::create(&self.store, &what, &Stamp::without_name(self.now)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_wave_opens_alerts_turn_by_turn_and_each_turn_reports_its_deferred_work() {
    let mut bench = Bench::new().await;
    bench.crowd(2_500, (30, 25)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let report = bench.turn().await;
        seen.push((bench.n_open().await, report.left_out.waiting, report.open_alerts));
        assert_eq!(report.left_out.no_room, 0);
        let named: Vec<_> = report.rules.iter().map(|rule| (rule.id, rule.series)).collect();
        let expected = (NEGATIVITY_PRODUCTS, report.left_out.waiting);
        assert_eq!(named, if expected.1 > 0 { vec![expected] } else { Vec::new() });
    }
    assert_eq!(seen, [(1_000, 1_500, 1_000), (2_000, 500, 2_000), (2_500, 0, 2_500), (2_500, 0, 2_500)]);
    let n_told = "SELECT count(DISTINCT told_as) FROM sentiment_alerts WHERE told_as IS NOT NULL";
    assert_eq!(number(&bench.store, n_told).await, 3, "one notice for each turn, not for each alert");
    assert!(bench.turn().await.left_out.pushes > 0, "browsers receive them a hundred per turn");

    // Posts no longer mention them.
    execute(&bench.store, "DELETE FROM sentiment_rollups").await;
    bench.now += PAUSE_MAX;
    let mut n_open = Vec::new();
    for _ in 0..4 {
        let report = bench.turn().await;
        n_open.push((bench.n_open().await, report.left_out.updates));
    }
    assert_eq!(n_open, [(1_500, 1_500), (500, 500), (0, 0), (0, 0)]);
}

#[tokio::test]
async fn beyond_the_maximum_of_open_alerts_every_rule_has_its_share_and_the_rest_is_reported() {
    let mut bench = Bench::new().await;
    bench.evaluator.limits = Limits { series: 1_000, taken_up: 400, changed: 150, ..Limits::default() };
    bench.crowd(1_200, (30, 25)).await;
    for _ in 0..5 {
        bench.turn().await;
    }
    let report = bench.turn().await;
    assert_eq!((bench.n_open().await, report.left_out.no_room), (1_000, 200));
    execute(&bench.store, "UPDATE alert_rules SET window_seconds = 600 WHERE dimension = 'overall'").await;
    let report = bench.turn().await;
    assert_eq!((report.series, report.left_out.no_room), (1, 200), "also when only another rule is judged");

    let late = bench.rule("another").await;
    bench.now += PAUSE_MAX;
    for _ in 0..3 {
        bench.turn().await;
    }
    let of_late =
        format!("SELECT count(*) FROM sentiment_alerts WHERE state = 'open' AND rule_id = '{}'", late.id);
    assert_eq!(number(&bench.store, &of_late).await, 1_000 / 3, "a third of the rules");

    // The alerts of a deleted rule are withdrawn turn by turn.
    rules::delete(&bench.store, late.id).await.unwrap().unwrap();
    let mut n_left = Vec::new();
    for _ in 0..4 {
        bench.turn().await;
        n_left.push(number(&bench.store, &of_late).await);
    }
    assert_eq!(n_left, [183, 33, 0, 0]);
    let of_series = format!("SELECT count(*) FROM alert_series WHERE rule_id = '{}'", late.id);
    assert_eq!(number(&bench.store, &of_series).await, 0);
}

#[tokio::test]
async fn alerts_that_were_not_committed_are_not_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut bench = Bench::new().await;
    bench.crowd(50, (30, 25)).await;
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON sentiment_alerts DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse()";
    execute(&bench.store, refuse).await;
    let (started_at, mut n_failed) = (Instant::now(), 0);
    // The server takes a moment to release the lock of a leader that was lost.
    while n_failed < 3 {
        assert!(started_at.elapsed() < Duration::from_secs(120), "{n_failed} failed");
        n_failed += i32::from(bench.evaluator.evaluate(bench.now).await.is_err());
    }
    assert_eq!(bench.n_open().await, 0);
    assert!(!handle.render().contains("groundswell_alerts_opened_total"), "{}", handle.render());
    execute(&bench.store, "DROP TRIGGER refuse ON sentiment_alerts").await;
    let started_at = Instant::now();
    while bench.n_open().await == 0 {
        assert!(started_at.elapsed() < Duration::from_secs(120), "nothing opens");
        bench.evaluator.evaluate(bench.now).await.unwrap();
    }
    let counted = handle.render();
    assert!(counted.contains("groundswell_alerts_opened_total{rule=\"negativity\"} 50"), "{counted}");
}

#[tokio::test]
async fn changes_by_others_apply_while_no_window_is_due() {
    let mut bench = Bench::new().await;
    bench.crowd(3, (30, 25)).await;
    bench.turn().await;
    assert_eq!(bench.n_open().await, 3);
    let mut what = rules::get(&bench.store, NEGATIVITY_PRODUCTS).await.unwrap().unwrap().what;
    what.scope.key = Some("product 000002".to_owned());
    rules::update(&bench.store, NEGATIVITY_PRODUCTS, &what, &Stamp::without_name(bench.now))
        .await
        .unwrap()
        .unwrap();
    bench.turn().await;
    assert_eq!(bench.n_open().await, 1, "the others are withdrawn within a second");
    what.enabled = false;
    rules::update(&bench.store, NEGATIVITY_PRODUCTS, &what, &Stamp::without_name(bench.now))
        .await
        .unwrap()
        .unwrap();
    bench.turn().await;
    assert_eq!(bench.n_open().await, 0);
    assert!(rules::get(&bench.store, NEGATIVITY_OVERALL).await.unwrap().is_some());
}

#[tokio::test]
async fn a_churn_wave_is_seen_even_if_it_exceeds_the_flagged_posts_that_are_read() {
    // The usual shares in percent: 2,500 posts are 1.67 times the usual number, and 1.25 times.
    for (usual_percent, n_open) in [(60, 1), (80, 0)] {
        let mut bench = Bench::new().await;
        bench.crowd(1, (100_000, 0)).await;
        let usual = format!(
            "UPDATE sentiment_rollups SET bucket = bucket - interval '2 hours', churn_high = count * {usual_percent} / 100"
        );
        execute(&bench.store, &usual).await;
        bench.posts_at_risk(2_500).await;
        for _ in 0..3 {
            bench.turn().await;
            assert_eq!(bench.n_open().await, n_open, "{usual_percent} %");
        }
    }
}

#[tokio::test]
async fn while_churn_cannot_be_counted_the_leader_goes_on_and_the_flagged_posts_wait() {
    let mut bench = Bench::new().await;
    bench.posts_at_risk(5).await;
    execute(&bench.store, "ALTER TABLE sentiment_rollups RENAME TO hidden_rollups").await;
    let (mut n_open, mut n_flagged) = (Vec::new(), Vec::new());
    for name in ["hidden", "shown"] {
        bench.now += SignedDuration::from_secs(90);
        bench.evaluator.evaluate(bench.now).await.unwrap();
        assert!(bench.evaluator.lead.is_some(), "{name}");
        n_open.push(bench.n_open().await);
        n_flagged.push(number(&bench.store, "SELECT count(*) FROM flagged_posts").await);
        if name == "hidden" {
            execute(&bench.store, "ALTER TABLE hidden_rollups RENAME TO sentiment_rollups").await;
        }
    }
    assert_eq!((n_open, n_flagged), (vec![0, 1], vec![5, 0]));
}
