//! Attempts to sign in, and the delays that failures cause. All processes count together.
//!
//! Guessing is slowed down in three ways: for an account from one address, for one address, and for an account as a
//! whole. The third would let an attacker keep the owner out, so it does not apply at addresses from which somebody has
//! signed in to the account before, such as that of a program. On devices on which somebody has signed in, neither do the
//! other two: the owner may share an address with the attacker.
//!
//! The code that makes the first account is too long to guess from many addresses, so for it there is no third way.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use fred::types::Value;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::StreamError;
use super::client::{Client, Script};
use super::keys::Keys;
use super::sign_in_devices::DEVICE_LIFETIME;
use crate::models::account::Email;

/// Time after the last attempt at which a counter is forgotten.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// First delay, after the attempts that are free. Each further failure doubles it.
const DELAY_FIRST: Duration = Duration::from_secs(1);

/// Limit on one kind of attempts.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Number of failures without a delay.
    n_free: u32,
    /// Longest delay.
    delay_max: Duration,
}

/// Attempts on one account from one address, or on one device: a person who mistypes a password has some to spare.
const OF_PAIR: Limit = Limit { n_free: 5, delay_max: Duration::from_secs(15 * 60) };

/// Attempts from one address, on any account. An office shares an address, so the delay stays short.
const OF_ADDRESS: Limit = Limit { n_free: 30, delay_max: Duration::from_secs(60) };

/// Attempts on one account, from any address: at most 1,440 guesses a day, however many addresses an attacker has. At each
/// address from which somebody has signed in, a hundred more are possible.
const OF_ACCOUNT: Limit = Limit { n_free: 20, delay_max: Duration::from_secs(60) };

/// Maximum number of addresses of one account from which somebody has signed in; the one with the oldest sign-in is
/// forgotten.
const PLACES_MAX: usize = 20;

/// Time after its last sign-in at which such an address is forgotten.
const PLACE_LIFETIME: Duration = DEVICE_LIFETIME;

/// Secret that an attempt to sign in must present.
#[derive(Debug, Clone)]
pub enum SignInTarget {
    /// Password of the account with this address, whether or not there is one.
    PasswordOf(Email),
    /// Code that makes the first account.
    SetupCode,
}

impl SignInTarget {
    /// Returns a name for the Redis keys of this target.
    fn digest(&self) -> String {
        let name = match self {
            Self::PasswordOf(account) => account.as_str(),
            // No email address.
            Self::SetupCode => "setup",
        };
        hex::encode(Sha256::digest(name.as_bytes()))
    }
}

/// Attempt to sign in.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What it would open.
    pub target: SignInTarget,
    /// Address of the caller.
    pub address: IpAddr,
    /// Device, if somebody has signed in to the account with it before.
    pub known_device: Option<String>,
}

impl Attempt {
    /// Returns the names of the counters of this attempt, with their limits. The first one counts for this caller
    /// alone.
    fn counters(&self) -> Vec<(String, Limit)> {
        let account = self.target.digest();
        if let Some(device) = &self.known_device {
            let device = hex::encode(Sha256::digest(device.as_bytes()));
            return vec![(format!("device:{account}:{device}"), OF_PAIR)];
        }
        let network = network_of(self.address);
        let mut counters =
            vec![(format!("pair:{account}:{network}"), OF_PAIR), (format!("address:{network}"), OF_ADDRESS)];
        if matches!(self.target, SignInTarget::PasswordOf(_)) {
            counters.push((format!("account:{account}"), OF_ACCOUNT));
        }
        counters
    }

    /// Returns the name of the set of addresses from which somebody has signed in to the account.
    fn places(&self) -> String {
        format!("places:{}", self.target.digest())
    }
}

/// Returns the network that counts as one address: of IPv6, a customer has 2^64 addresses.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts attempts to sign in. Clones share the connection.
#[derive(Clone)]
pub struct SignInAttempts {
    client: Client,
    keys: Keys,
}

impl SignInAttempts {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Counts an attempt as failed until [`Self::succeeded`], so that attempts at the same time count as well. Returns
    /// how long the caller must wait instead, if it must; such an attempt does not count.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn begin(&self, attempt: &Attempt, now: Timestamp) -> Result<Option<Duration>, StreamError> {
        // Where somebody has signed in to the account, its counter, the last one, counts and causes no delay.
        const LUA: &str = "
            local now, n = tonumber(ARGV[1]), #KEYS - 1
            local n_causing = n
            if n == 3 and tonumber(redis.call('ZSCORE', KEYS[#KEYS], ARGV[4]) or 0) > tonumber(ARGV[5]) then
                n_causing = 2
            end
            local wait = 0
            for i = 1, n_causing do
                local counter = redis.call('HMGET', KEYS[i], 'n', 'at')
                local over = tonumber(counter[1] or 0) - tonumber(ARGV[4 + 2 * i])
                if over >= 0 then
                    local delay = math.min(tonumber(ARGV[5 + 2 * i]), tonumber(ARGV[3]) * 2 ^ math.min(over, 30))
                    wait = math.max(wait, tonumber(counter[2]) + delay - now)
                end
            end
            if wait > 0 then return math.ceil(wait) end
            for i = 1, n do
                redis.call('HINCRBY', KEYS[i], 'n', 1)
                redis.call('HSET', KEYS[i], 'at', ARGV[1])
                redis.call('PEXPIRE', KEYS[i], ARGV[2])
            end
            return 0";
        let (mut keys, limits): (Vec<String>, Vec<Limit>) =
            attempt.counters().into_iter().map(|(name, limit)| (self.key(&name), limit)).unzip();
        keys.push(self.key(&attempt.places()));
        let mut args = vec![
            Value::from(now.as_millisecond().to_string()),
            Value::from(REMEMBERED.as_millis().to_string()),
            Value::from(DELAY_FIRST.as_millis().to_string()),
            Value::from(network_of(attempt.address).to_string()),
            Value::from(oldest_place_ms(now).to_string()),
        ];
        for limit in limits {
            args.push(Value::from(limit.n_free.to_string()));
            args.push(Value::from(limit.delay_max.as_millis().to_string()));
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let wait_ms: u64 = self.client.eval(Script { lua: LUA, keys: &keys }, args).await?.convert()?;
        Ok((wait_ms > 0).then(|| Duration::from_millis(wait_ms)))
    }

    /// Takes back an attempt that succeeded, forgets the failures of this caller on this account, and remembers the address
    /// as one from which somebody has signed in. Failures of others still count.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn succeeded(&self, attempt: &Attempt, now: Timestamp) -> Result<(), StreamError> {
        const REMEMBER: &str = "
            redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
            redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
            redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[4]))
            redis.call('PEXPIRE', KEYS[1], ARGV[5])
            return 1";
        self.take_back(attempt, true).await?;
        let places = self.key(&attempt.places());
        let args = vec![
            Value::from(now.as_millisecond().to_string()),
            Value::from(network_of(attempt.address).to_string()),
            Value::from(oldest_place_ms(now).to_string()),
            Value::from(PLACES_MAX.to_string()),
            Value::from(PLACE_LIFETIME.as_millis().to_string()),
        ];
        self.client.eval(Script { lua: REMEMBER, keys: &[&places] }, args).await?;
        Ok(())
    }

    /// Takes back an attempt that ended without a verdict on what was presented.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn abandoned(&self, attempt: &Attempt) -> Result<(), StreamError> {
        self.take_back(attempt, false).await
    }

    async fn take_back(&self, attempt: &Attempt, forgets: bool) -> Result<(), StreamError> {
        const LUA: &str = "
            for i, key in ipairs(KEYS) do
                local n = tonumber(redis.call('HGET', key, 'n') or 0)
                if n <= 1 or (i == 1 and ARGV[1] == '1') then
                    redis.call('DEL', key)
                else
                    redis.call('HINCRBY', key, 'n', -1)
                end
            end
            return 1";
        let forgets = Value::from(if forgets { "1" } else { "0" });
        let keys: Vec<String> = attempt.counters().iter().map(|(name, _)| self.key(name)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.client.eval(Script { lua: LUA, keys: &keys }, vec![forgets]).await?;
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.keys.sign_in_attempts)
    }
}

/// Returns the time of the last sign-in at an address that is about to be forgotten, in milliseconds.
fn oldest_place_ms(now: Timestamp) -> i64 {
    now.as_millisecond().saturating_sub(i64::try_from(PLACE_LIFETIME.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::stream::tests::redis::Redis;

    fn from(account: &str, address: &str) -> Attempt {
        let target = SignInTarget::PasswordOf(account.parse().unwrap());
        Attempt { target, address: address.parse().unwrap(), known_device: None }
    }

    fn on_device(account: &str, address: &str, device: &str) -> Attempt {
        Attempt { known_device: Some(device.to_owned()), ..from(account, address) }
    }

    /// Makes failing attempts, each as soon as it may, and returns the delays between them in milliseconds.
    async fn delays(
        attempts: &SignInAttempts,
        attempt: &Attempt,
        n: usize,
        now: &mut Timestamp,
    ) -> Vec<u128> {
        let mut delays = Vec::new();
        while delays.len() < n {
            let mut delay = Duration::ZERO;
            while let Some(wait) = attempts.begin(attempt, *now).await.unwrap() {
                *now += SignedDuration::try_from(wait).unwrap();
                delay += wait;
            }
            delays.push(delay.as_millis());
        }
        delays
    }

    #[tokio::test]
    async fn each_failure_beyond_the_free_ones_doubles_the_delay_up_to_a_limit() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let (attempt, mut now) = (from("ana@example.com", "192.0.2.7"), Timestamp::now());
        let found = delays(&attempts, &attempt, 17, &mut now).await;
        let seconds = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
        assert_eq!(found, seconds.map(|seconds| seconds * 1_000));
        // An attempt that must wait does not count.
        let wait = attempts.begin(&attempt, now).await.unwrap();
        assert_eq!(wait, attempts.begin(&attempt, now).await.unwrap());
        // A success forgets the failures of the same caller.
        attempts.succeeded(&attempt, now).await.unwrap();
        assert_eq!(attempts.begin(&attempt, now).await.unwrap(), None);
        // An attempt without a verdict leaves no trace.
        attempts.abandoned(&attempt).await.unwrap();
        assert_eq!(redis.run(&["EXISTS", &attempts.key(&attempt.counters()[0].0)]), "0");
        assert_eq!(attempts.begin(&attempt, now).await.unwrap(), None);
        let left_ms: i64 = redis.run(&["PTTL", &attempts.key(&attempt.counters()[0].0)]).parse().unwrap();
        assert!((1..=86_400_000).contains(&left_ms), "{left_ms}");
    }

    #[tokio::test]
    async fn an_address_that_tries_many_accounts_and_an_account_tried_from_many_addresses_are_delayed() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let now = Timestamp::now();
        for n in 0..OF_ADDRESS.n_free {
            let one = from(&format!("{n}@example.com"), "192.0.2.7");
            assert_eq!(attempts.begin(&one, now).await.unwrap(), None, "{n}");
        }
        let next = from("next@example.com", "192.0.2.7");
        assert_eq!(attempts.begin(&next, now).await.unwrap(), Some(DELAY_FIRST));
        for n in 0..OF_ACCOUNT.n_free {
            let one = from("ana@example.com", &format!("2001:db8:0:{n:x}::1"));
            assert_eq!(attempts.begin(&one, now).await.unwrap(), None, "{n}");
        }
        let next = from("ana@example.com", "198.51.100.1");
        assert_eq!(attempts.begin(&next, now).await.unwrap(), Some(DELAY_FIRST));
    }

    #[tokio::test]
    async fn attempts_at_the_same_time_count_before_any_of_them_fails() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let (attempt, now) = (from("ana@example.com", "192.0.2.7"), Timestamp::now());
        let begun = (0..50).map(|_| attempts.begin(&attempt, now));
        let waits = futures_util::future::try_join_all(begun).await.unwrap();
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), OF_PAIR.n_free as usize);
    }

    #[tokio::test]
    async fn a_victim_on_a_known_device_signs_in_during_an_attack_on_the_account() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let mut now = Timestamp::now();
        // From many addresses, among them the victim's.
        for address in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
            delays(&attempts, &from("ana@example.com", address), 12, &mut now).await;
        }
        assert!(attempts.begin(&from("ana@example.com", "198.51.100.1"), now).await.unwrap().is_some());
        let victim = on_device("ana@example.com", "192.0.2.7", "known");
        assert_eq!(attempts.begin(&victim, now).await.unwrap(), None);
        attempts.succeeded(&victim, now).await.unwrap();
        assert_eq!(attempts.begin(&victim, now).await.unwrap(), None);
        // The success does not help the attacker.
        assert!(attempts.begin(&from("ana@example.com", "198.51.100.1"), now).await.unwrap().is_some());
        // Nor may somebody who stole the device guess without a limit.
        assert!(delays(&attempts, &victim, 12, &mut now).await.iter().any(|delay| *delay >= 60_000));
    }

    #[tokio::test]
    async fn where_an_account_has_signed_in_failures_elsewhere_cause_no_delay() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let mut now = Timestamp::now();
        let program = from("ana@example.com", "192.0.2.7");
        assert_eq!(attempts.begin(&program, now).await.unwrap(), None);
        attempts.succeeded(&program, now).await.unwrap();
        for address in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
            delays(&attempts, &from("ana@example.com", address), 12, &mut now).await;
        }
        assert!(attempts.begin(&from("ana@example.com", "192.0.2.8"), now).await.unwrap().is_some());
        assert_eq!(attempts.begin(&program, now).await.unwrap(), None);
        attempts.abandoned(&program).await.unwrap();
        // Somebody else at that address has guesses as from any other, and no more.
        let guesses = delays(&attempts, &program, 12, &mut now).await;
        assert!(guesses.iter().any(|delay| *delay >= 60_000), "{guesses:?}");
        // It counts for this account alone.
        for n in 0..OF_ACCOUNT.n_free {
            let one = from("bo@example.com", &format!("2001:db8:0:{n:x}::1"));
            assert_eq!(attempts.begin(&one, now).await.unwrap(), None, "{n}");
        }
        assert!(attempts.begin(&from("bo@example.com", "192.0.2.7"), now).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn wrong_setup_codes_delay_only_the_address_from_which_they_come() {
        let redis = Redis::start();
        let attempts = redis.connect().await.sign_in_attempts();
        let mut now = Timestamp::now();
        let code =
            |address: &str| Attempt { target: SignInTarget::SetupCode, ..from("ana@example.com", address) };
        for n in 0..100 {
            let elsewhere = code(&format!("2001:db8:0:{n:x}::1"));
            assert_eq!(attempts.begin(&elsewhere, now).await.unwrap(), None, "{n}");
        }
        let guesses = delays(&attempts, &code("192.0.2.7"), 12, &mut now).await;
        assert!(guesses[0] == 0 && guesses.iter().any(|delay| *delay >= 60_000), "{guesses:?}");
        assert_eq!(attempts.begin(&code("192.0.2.8"), now).await.unwrap(), None);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let check = |one: &str, other: &str, expected: bool| {
            let network = |text: &str| network_of(text.parse().unwrap());
            assert_eq!(network(one) == network(other), expected, "{one} and {other}");
        };
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
    }
}
