//! Retry policy. Pure: the result, the number of attempts and random numbers are arguments.

use std::time::Duration;

use crate::models::notification::ChannelKind;

/// Seconds to wait before each attempt, including the first: about three days in all, as Standard Webhooks recommends.
pub const SCHEDULE_SECONDS: [u64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Seconds to wait before each attempt to send a service alert: a little over an hour in all, because such alerts are
/// kept in memory and soon lose their value.
pub const URGENT_SCHEDULE_SECONDS: [u64; 12] = [0, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1_200, 1_800];

/// Maximum fraction by which a wait is lengthened at random, so that messages that failed together are not retried
/// together.
const JITTER: f64 = 0.1;

/// Maximum `Retry-After` that is honoured. An alert that is delayed for longer is worthless.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Maximum pause after an attempt to reach a failing receiver that did not send `Retry-After`.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Result of one attempt to deliver a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver accepted the message.
    Delivered,
    /// The attempt failed, but another may succeed.
    Failed {
        /// Delay that the receiver requested in `Retry-After`.
        retry_after: Option<Duration>,
        /// Whether the receiver is failing for all messages rather than just this one.
        slows_channel: bool,
    },
    /// The receiver no longer exists and should not be tried again.
    Gone,
}

/// Plan for a message and its channel after a delivery attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPlan {
    /// Next step for the message.
    pub next: NextStep,
    /// How long to hold back other messages to the channel.
    pub pause: Duration,
}

/// Next step for a message after a delivery attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Mark the message as delivered.
    Sent,
    /// Retry the message after this time.
    Again(Duration),
    /// Give up on the message without disabling its channel.
    Dead,
    /// Give up on the message and disable its channel.
    Disable,
}

/// Classifies the status of a response. Only 2xx counts as success; redirects are not followed and count as failures.
pub fn classify(status: u16, retry_after: Option<Duration>, kind: ChannelKind) -> DeliveryResult {
    match status {
        200..=299 => DeliveryResult::Delivered,
        410 => DeliveryResult::Gone,
        // The push service no longer knows the subscription (RFC 8030, section 7.3).
        404 if kind == ChannelKind::WebPush => DeliveryResult::Gone,
        _ => DeliveryResult::Failed { retry_after, slows_channel: matches!(status, 429 | 502 | 503 | 504) },
    }
}

/// Decides what to do after attempt number `n_attempts`, counted from 1. `random` is between 0 and 1.
pub fn plan(result: DeliveryResult, kind: ChannelKind, n_attempts: usize, random: f64) -> RetryPlan {
    plan_by(&SCHEDULE_SECONDS, result, kind, (n_attempts, random))
}

/// Decides what to do after an attempt to send a service alert; otherwise the same as [`plan`].
pub fn plan_urgent(result: DeliveryResult, kind: ChannelKind, n_attempts: usize, random: f64) -> RetryPlan {
    plan_by(&URGENT_SCHEDULE_SECONDS, result, kind, (n_attempts, random))
}

fn plan_by(
    schedule: &[u64],
    result: DeliveryResult,
    kind: ChannelKind,
    (n_attempts, random): (usize, f64),
) -> RetryPlan {
    let gap = throttle(kind);
    let (retry_after, slows_channel) = match result {
        DeliveryResult::Delivered => return RetryPlan { next: NextStep::Sent, pause: gap },
        DeliveryResult::Gone => return RetryPlan { next: NextStep::Disable, pause: gap },
        DeliveryResult::Failed { retry_after, slows_channel } => (retry_after, slows_channel),
    };
    let requested = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let scheduled = schedule.get(n_attempts).map(|seconds| Duration::from_secs(*seconds));
    let wait = scheduled.map(|wait| wait.max(requested).mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0)));
    let pause = match (slows_channel, retry_after) {
        (true, Some(_)) => requested,
        (true, None) => wait.unwrap_or(PAUSE_MAX).min(PAUSE_MAX),
        (false, _) => gap,
    };
    RetryPlan { next: wait.map_or(NextStep::Dead, NextStep::Again), pause: pause.max(gap) }
}

/// Returns the minimum time between two messages through a channel of this kind.
fn throttle(kind: ChannelKind) -> Duration {
    Duration::from_millis(match kind {
        // Slack accepts one message per second from each incoming webhook.
        ChannelKind::Slack | ChannelKind::Email => 1_000,
        // PagerDuty accepts 120 events per minute from each integration.
        ChannelKind::PagerDuty => 500,
        ChannelKind::Webhook | ChannelKind::WebPush => 100,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: ChannelKind = ChannelKind::Webhook;

    fn failed(status: u16, retry_after: Option<u64>, n_attempts: usize) -> RetryPlan {
        plan(classify(status, retry_after.map(Duration::from_secs), HOOK), HOOK, n_attempts, 0.0)
    }

    #[test]
    fn only_2xx_is_success_and_410_disables_the_channel() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(classify(status, None, HOOK), DeliveryResult::Delivered);
        }
        for status in [100, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(classify(status, None, HOOK), DeliveryResult::Failed { .. }), "{status}");
        }
        assert_eq!(classify(410, None, HOOK), DeliveryResult::Gone);
        assert_eq!(classify(404, None, ChannelKind::WebPush), DeliveryResult::Gone);
        assert_eq!(plan(DeliveryResult::Gone, HOOK, 1, 0.5).next, NextStep::Disable);
    }

    #[test]
    fn ten_attempts_are_spread_over_three_days() {
        let waits: Vec<NextStep> = (1..=10).map(|n| failed(500, None, n).next).collect();
        let expected: Vec<NextStep> = SCHEDULE_SECONDS[1..]
            .iter()
            .map(|seconds| NextStep::Again(Duration::from_secs(*seconds)))
            .chain([NextStep::Dead])
            .collect();
        assert_eq!(waits, expected);
        assert_eq!(SCHEDULE_SECONDS.iter().sum::<u64>() / 3_600, 75);
    }

    #[test]
    fn messages_that_failed_together_are_not_retried_together() {
        let wait = |random| match plan(classify(500, None, HOOK), HOOK, 2, random).next {
            NextStep::Again(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([wait(0.0), wait(0.5), wait(1.0)], [300, 315, 330]);
    }

    #[test]
    fn retry_after_is_honoured_up_to_an_hour() {
        let plan = failed(429, Some(120), 1);
        assert_eq!((plan.next, plan.pause.as_secs()), (NextStep::Again(Duration::from_secs(120)), 120));
        let plan = failed(503, Some(10_000_000), 1);
        assert_eq!((plan.next, plan.pause), (NextStep::Again(RETRY_AFTER_MAX), RETRY_AFTER_MAX));
        // `Retry-After` is shorter than the schedule: the message follows the schedule, but the channel resumes sooner.
        let plan = failed(429, Some(60), 4);
        assert_eq!((plan.next, plan.pause.as_secs()), (NextStep::Again(Duration::from_secs(7_200)), 60));
    }

    #[test]
    fn a_failing_receiver_pauses_its_channel_and_a_failing_message_does_not() {
        for status in [429, 502, 503, 504] {
            assert_eq!(failed(status, None, 1).pause.as_secs(), 5);
            assert_eq!(failed(status, None, 9).pause, PAUSE_MAX);
        }
        for status in [400, 404, 500] {
            assert_eq!(failed(status, None, 9).pause, throttle(HOOK));
        }
    }
}
