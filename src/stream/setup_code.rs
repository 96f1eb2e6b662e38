//! Code that makes the first account. The log of every process shows it, so only people who can read a log have it.

use fred::interfaces::KeysInterface;
use fred::types::{SetOptions, Value};

use super::StreamError;
use super::client::Client;
use super::keys::Keys;

/// Characters of a code, without those that look alike.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Number of characters of a code, of 5 bits each: too many to guess while guesses are delayed.
const CODE_CHARS: usize = 12;

/// Number of characters between two hyphens, which make a code easier to read.
const GROUP_CHARS: usize = 4;

/// Makes and checks the code, which all processes share. Clones share the connection.
#[derive(Clone)]
pub struct SetupCode {
    client: Client,
    keys: Keys,
}

impl SetupCode {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Returns the code. Makes one if there is none.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn show(&self) -> Result<String, StreamError> {
        let made = Value::from(random_code());
        let options = Some(SetOptions::NX);
        let _: Value = self.client.commands().set(&self.keys.setup_code, made, None, options, false).await?;
        let code: Option<String> = self.client.commands().get(&self.keys.setup_code).await?;
        code.ok_or_else(|| StreamError::unexpected("the setup code vanished"))
    }

    /// Returns whether this is the code, in capitals or not, with hyphens or without.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn matches(&self, presented: &str) -> Result<bool, StreamError> {
        let code: Option<String> = self.client.commands().get(&self.keys.setup_code).await?;
        Ok(code.is_some_and(|code| plain(&code) == plain(presented)))
    }

    /// Forgets the code once it has been used.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn forget(&self) -> Result<(), StreamError> {
        let _: u64 = self.client.commands().del(&self.keys.setup_code).await?;
        Ok(())
    }
}

fn plain(code: &str) -> String {
    code.chars()
        .filter(|character| character.is_ascii_alphanumeric())
        .collect::<String>()
        .to_ascii_uppercase()
}

fn random_code() -> String {
    let random = rand::random::<[u8; CODE_CHARS]>();
    let characters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    let mut code = String::new();
    for (position, character) in characters.enumerate() {
        if position > 0 && position.is_multiple_of(GROUP_CHARS) {
            code.push('-');
        }
        code.push(char::from(*character));
    }
    code
}

#[cfg(test)]
mod tests {
    use crate::stream::tests::redis::Redis;

    #[tokio::test]
    async fn all_processes_share_a_code_until_it_is_used() {
        let redis = Redis::start();
        let (one, other) = (redis.connect().await.setup_code(), redis.connect().await.setup_code());
        assert!(!one.matches("").await.unwrap());
        let code = one.show().await.unwrap();
        assert_eq!(other.show().await.unwrap(), code);
        assert_eq!(code.len(), 14, "{code}");
        assert!(other.matches(&code).await.unwrap());
        assert!(other.matches(&code.replace('-', "").to_lowercase()).await.unwrap());
        for wrong in ["", "-", &code[1..], &format!("{code}2")] {
            assert!(!other.matches(wrong).await.unwrap(), "{wrong}");
        }
        other.forget().await.unwrap();
        assert!(!one.matches(&code).await.unwrap());
        assert_ne!(one.show().await.unwrap(), code);
    }
}
