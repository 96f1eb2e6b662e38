//! What becomes of a message after an attempt. Pure: the answer, the attempts so far and chance are arguments.

use std::time::Duration;

use crate::models::notification::ChannelKind;

/// How long to wait before each attempt, from the first on: some three days in all. Standard Webhooks proposes these.
pub const SCHEDULE_SECONDS: [u64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The same for alerts about the service, which are kept in memory and worth little tomorrow: a little over an hour in all.
pub const URGENT_SCHEDULE_SECONDS: [u64; 12] = [0, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1_200, 1_800];

/// A wait is lengthened by up to this share of it, so that what failed together does not come back together.
const JITTER: f64 = 0.1;

/// The longest wait that a receiver may ask for. Alerts that are held back for longer are no alerts.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The longest that a receiver in trouble holds up what else it shall hear, where it asked for no time.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// It did not.
    Failed {
        /// How long the receiver asked to be left alone.
        retry_after: Option<Duration>,
        /// Whether the trouble is with the receiver as a whole, not with this message.
        slows_channel: bool,
    },
    /// Nobody will ever receive anything there again.
    Gone,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What becomes of the message.
    pub next: Next,
    /// How long nothing is sent to the channel.
    pub pause: Duration,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Sent,
    /// It is tried again, after this long.
    Again(Duration),
    /// It is given up.
    Dead,
    /// It is given up, and the channel with it.
    Disable,
}

/// What a status means. Only 2xx is success; a redirect is not followed, so it is none.
pub fn judge(status: u16, retry_after: Option<Duration>, kind: ChannelKind) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        // A push service knows the subscription no longer (RFC 8030, section 7.3).
        404 if kind == ChannelKind::WebPush => Verdict::Gone,
        _ => Verdict::Failed { retry_after, slows_channel: matches!(status, 429 | 502 | 503 | 504) },
    }
}

/// What to do after the `n_attempts`-th attempt, counted from 1. `chance` is 0 to 1.
pub fn plan(verdict: Verdict, kind: ChannelKind, n_attempts: usize, chance: f64) -> Plan {
    plan_by(&SCHEDULE_SECONDS, verdict, kind, (n_attempts, chance))
}

/// The same for alerts about the service.
pub fn plan_urgent(verdict: Verdict, kind: ChannelKind, n_attempts: usize, chance: f64) -> Plan {
    plan_by(&URGENT_SCHEDULE_SECONDS, verdict, kind, (n_attempts, chance))
}

fn plan_by(
    schedule: &[u64],
    verdict: Verdict,
    kind: ChannelKind,
    (n_attempts, chance): (usize, f64),
) -> Plan {
    let gap = throttle(kind);
    let (retry_after, slows_channel) = match verdict {
        Verdict::Delivered => return Plan { next: Next::Sent, pause: gap },
        Verdict::Gone => return Plan { next: Next::Disable, pause: gap },
        Verdict::Failed { retry_after, slows_channel } => (retry_after, slows_channel),
    };
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let scheduled = schedule.get(n_attempts).map(|seconds| Duration::from_secs(*seconds));
    let wait = scheduled.map(|wait| wait.max(asked).mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0)));
    let pause = match (slows_channel, retry_after) {
        (true, Some(_)) => asked,
        (true, None) => wait.unwrap_or(PAUSE_MAX).min(PAUSE_MAX),
        (false, _) => gap,
    };
    Plan { next: wait.map_or(Next::Dead, Next::Again), pause: pause.max(gap) }
}

/// The least time between two messages to the same receiver.
fn throttle(kind: ChannelKind) -> Duration {
    Duration::from_millis(match kind {
        // Slack takes one message a second and incoming webhook.
        ChannelKind::Slack | ChannelKind::Email => 1_000,
        // PagerDuty takes 120 events a minute and integration.
        ChannelKind::PagerDuty => 500,
        ChannelKind::Webhook | ChannelKind::WebPush => 100,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: ChannelKind = ChannelKind::Webhook;

    fn failed(status: u16, retry_after: Option<u64>, n_attempts: usize) -> Plan {
        plan(judge(status, retry_after.map(Duration::from_secs), HOOK), HOOK, n_attempts, 0.0)
    }

    #[test]
    fn only_2xx_is_success_and_410_ends_the_channel() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(status, None, HOOK), Verdict::Delivered);
        }
        for status in [100, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(judge(status, None, HOOK), Verdict::Failed { .. }), "{status}");
        }
        assert_eq!(judge(410, None, HOOK), Verdict::Gone);
        assert_eq!(judge(404, None, ChannelKind::WebPush), Verdict::Gone);
        assert_eq!(plan(Verdict::Gone, HOOK, 1, 0.5).next, Next::Disable);
    }

    #[test]
    fn ten_attempts_are_spread_over_three_days() {
        let waits: Vec<Next> = (1..=10).map(|n| failed(500, None, n).next).collect();
        let expected: Vec<Next> = SCHEDULE_SECONDS[1..]
            .iter()
            .map(|seconds| Next::Again(Duration::from_secs(*seconds)))
            .chain([Next::Dead])
            .collect();
        assert_eq!(waits, expected);
        assert_eq!(SCHEDULE_SECONDS.iter().sum::<u64>() / 3_600, 75);
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let wait = |chance| match plan(judge(500, None, HOOK), HOOK, 2, chance).next {
            Next::Again(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([wait(0.0), wait(0.5), wait(1.0)], [300, 315, 330]);
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_within_an_hour() {
        let plan = failed(429, Some(120), 1);
        assert_eq!((plan.next, plan.pause.as_secs()), (Next::Again(Duration::from_secs(120)), 120));
        let plan = failed(503, Some(10_000_000), 1);
        assert_eq!((plan.next, plan.pause), (Next::Again(RETRY_AFTER_MAX), RETRY_AFTER_MAX));
        // Less than the schedule has: the schedule stands for the message, the others go on sooner.
        let plan = failed(429, Some(60), 4);
        assert_eq!((plan.next, plan.pause.as_secs()), (Next::Again(Duration::from_secs(7_200)), 60));
    }

    #[test]
    fn trouble_with_the_receiver_slows_everything_and_trouble_with_a_message_only_that() {
        for status in [429, 502, 503, 504] {
            assert_eq!(failed(status, None, 1).pause.as_secs(), 5);
            assert_eq!(failed(status, None, 9).pause, PAUSE_MAX);
        }
        for status in [400, 404, 500] {
            assert_eq!(failed(status, None, 9).pause, throttle(HOOK));
        }
    }
}
