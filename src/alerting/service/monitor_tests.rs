use super::*;
use crate::models::score::ModelId;
use crate::models::system_health::{
    DependencyHealth, DiskHealth, ModelHealth, SocketHealth, StageHealth, StageState, StreamHealth,
    TiersHealth,
};

const START: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn healthy(second: i64) -> SystemHealth {
    let there = || DependencyHealth { reachable: true, error: None };
    let id = ModelId { name: "swift".to_owned(), version: "1".to_owned(), hash: "0".to_owned() };
    let stage = StageHealth {
        stage: "aggregator".to_owned(),
        state: StageState::Running,
        generation: 1,
        restarts: 0,
        handled: 0,
        failed: 0,
        in_flight: 0,
        last_progress_at: None,
        essential: true,
    };
    SystemHealth {
        at: at(second),
        version: "0".to_owned(),
        started_at: at(0),
        stages: vec![stage],
        tasks: Vec::new(),
        stream: Some(StreamHealth::default()),
        unknown_entries: Vec::new(),
        redis: there(),
        postgres: there(),
        model: ModelHealth { id, degraded: None },
        tiers: TiersHealth {
            budget_ms: 0,
            overloaded: false,
            awaiting: 0,
            deep_per_second: 0.0,
            items: Vec::new(),
            without_deep: None,
        },
        mode: "external".to_owned(),
        sockets: SocketHealth { open: 0, limit: 1 },
        disk: Some(DiskHealth { free_bytes: 50 << 30, total_bytes: 100 << 30 }),
        service_alerts: Vec::new(),
        service_alert_destinations: 0,
        alerting: None,
    }
}

/// Returns the notices sent within this many seconds. Each is represented by the second at which it was sent, whether
/// the condition began, and the condition.
fn notices(seconds: i64, ail: impl Fn(i64, &mut SystemHealth)) -> Vec<(i64, bool, ServiceCondition)> {
    let params = MonitorParams {
        instance: "host:8080".to_owned(),
        hold: SignedDuration::from_secs(15),
        high_water: 500_000,
        backlog_max: 8_000,
    };
    let mut watch = ServiceMonitor::new(params, at(0));
    let mut sent = Vec::new();
    for second in 0..seconds {
        let mut health = healthy(second);
        ail(second, &mut health);
        for notice in watch.judge(Some(&health), at(second)) {
            sent.push((second, notice.event == NoticeEvent::Fired, notice.alert.condition));
        }
    }
    sent
}

fn stream(health: &mut SystemHealth) -> &mut StreamHealth {
    health.stream.as_mut().unwrap()
}

#[test]
fn a_healthy_service_notifies_nobody() {
    assert_eq!(notices(7_200, |_, _| {}), []);
}

#[test]
fn each_condition_begins_and_ends_once() {
    use ServiceCondition::*;
    type Ailment = fn(&mut SystemHealth);
    let ailments: [(ServiceCondition, Ailment); 7] = [
        (PostgresAway, |health| health.postgres.reachable = false),
        (RedisAway, |health| {
            health.redis.reachable = false;
            health.stream = None;
        }),
        (StageDown, |health| health.stages[0].state = StageState::Frozen),
        (BacklogHigh, |health| stream(health).length = 500_000),
        (ConsumerLag, |health| stream(health).oldest_at = Some(at(-100))),
        (DiskNearlyFull, |health| {
            health.disk = Some(DiskHealth { free_bytes: 1 << 30, total_bytes: 100 << 30 })
        }),
        (ModelDegraded, |health| health.model.degraded = Some("no files".to_owned())),
    ];
    for (condition, ail) in ailments {
        let sent = notices(600, |second, health| {
            if (100..200).contains(&second) {
                ail(health);
            }
        });
        let sent: Vec<_> = sent.iter().map(|(_, began, condition)| (*began, *condition)).collect();
        assert_eq!(sent, [(true, condition), (false, condition)]);
    }
}

#[test]
fn a_trickle_of_dead_letters_is_one_alert_and_earlier_ones_are_none() {
    let sent = notices(3_000, |second, health| {
        // One dead letter per minute for ten minutes; there were seven before.
        stream(health).dead = 7 + u64::try_from((second.min(700) - 100).max(0) / 60).unwrap();
    });
    assert_eq!(
        sent,
        [(160, true, ServiceCondition::DeadLetters), (1_030, false, ServiceCondition::DeadLetters)]
    );
    // The dead letters were replayed and failed again.
    let sent = notices(100, |second, health| stream(health).dead = if second == 50 { 0 } else { 3 });
    assert_eq!(sent, [(51, true, ServiceCondition::DeadLetters)]);
}

#[test]
fn three_restarts_within_ten_minutes_notify_and_three_in_a_day_do_not() {
    let rebuilt_every = |every: i64| {
        notices(3_000, move |second, health| {
            health.stages[0].restarts = 5 + u64::try_from(second / every).unwrap().min(3);
        })
    };
    assert_eq!(rebuilt_every(900), []);
    let sent = rebuilt_every(100);
    assert_eq!(sent[0], (300, true, ServiceCondition::StageRestarting));
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_backlog_that_grows_for_minutes_notifies_and_a_burst_does_not() {
    let growing = notices(600, |second, health| {
        stream(health).length = 9_000 + u64::try_from(second).unwrap() * 10;
    });
    assert!(matches!(growing[..], [(300..=360, true, ServiceCondition::BacklogGrowing)]), "{growing:?}");
    let burst = notices(600, |second, health| {
        stream(health).length = u64::try_from((400_000 - second * 1_000).max(0)).unwrap();
    });
    assert_eq!(burst, []);
}

#[test]
fn an_unknown_condition_neither_begins_nor_ends() {
    // Redis becomes unavailable during an alert about dead letters: that alert is kept open, and ends only once Redis
    // confirms that there are none.
    let sent = notices(2_000, |second, health| {
        stream(health).dead = u64::from(second >= 10);
        if (20..1_000).contains(&second) {
            health.redis.reachable = false;
            health.stream = None;
        }
    });
    let dead: Vec<_> = sent.iter().filter(|it| it.2 == ServiceCondition::DeadLetters).collect();
    assert_eq!(dead[0], &(10, true, ServiceCondition::DeadLetters));
    assert!(dead[1].0 >= 1_000 && dead.len() == 2, "{dead:?}");
}

#[test]
fn a_service_without_measurements_notifies() {
    let sent = notices(300, |second, health| health.at = at(second.min(100)));
    assert_eq!(sent, [(121, true, ServiceCondition::HealthUnknown)]);
}

#[test]
fn a_restarted_process_continues_the_incident_it_left() {
    let id = |instance: &str, stage: &str| id_of(instance, ServiceCondition::StageDown, stage);
    assert_eq!(id("a:8080", "aggregator"), id("a:8080", "aggregator"));
    assert_ne!(id("a:8080", "aggregator"), id("b:8080", "aggregator"));
    assert_ne!(id("a:8080", "aggregator"), id("a:8080", "ingester"));
}
