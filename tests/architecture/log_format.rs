//! How logs and errors sound: one sentence, small first letter, no full stop. Programs that search logs, and people who
//! read an error inside another, rely on it.

use super::reject;
use super::source::{self, Source};

/// What is followed by a message for people.
const SPEAKERS: &[&str] =
    &["trace!(", "debug!(", "info!(", "warn!(", "error!(", "anyhow!(", "bail!(", ".context(", "#[error("];

/// Names keep their capitals.
const NAMES: &[&str] =
    &["PostgreSQL", "Redis", "Groundswell", "Docker", "Ctrl-C", "Debian", "Node.js", "Chromium"];

/// The ill-formed messages of a file, each with its place and how to write it.
fn complaints(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for speaker in SPEAKERS {
        for (at, _) in source.code.match_indices(speaker) {
            let place = source.place(at);
            let messages = literals(&source.code[at + speaker.len()..]);
            let ill_formed = messages.iter().filter(|message| is_ill_formed(message));
            complaints.extend(
                ill_formed.map(|message| format!("{place}: write {:?}: {message:?}", corrected(message))),
            );
        }
    }
    complaints
}

/// The message with a small first letter and without a full stop.
fn corrected(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn is_ill_formed(message: &str) -> bool {
    let first_word = message.split([' ', '`', '\'']).next().unwrap_or_default();
    let n_capitals = first_word.chars().filter(char::is_ascii_uppercase).count();
    let starts_large = first_word.starts_with(|c: char| c.is_ascii_uppercase());
    let is_name = n_capitals > 1 || NAMES.contains(&first_word.trim_end_matches([':', ',', ';']));
    (starts_large && !is_name) || message.ends_with('.')
}

/// The string literals that are whole arguments of the call whose arguments begin `text`.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut begins_argument = true;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let literal = rest_of_literal(&mut letters);
                if depth == 0 && begins_argument {
                    found.push(literal);
                }
                begins_argument = false;
            }
            ')' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => begins_argument = true,
            _ if letter.is_whitespace() => {}
            _ => begins_argument = false,
        }
    }
    found
}

fn rest_of_literal(letters: &mut std::str::Chars<'_>) -> String {
    let mut literal = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => literal.extend(letters.next()),
            _ => literal.push(letter),
        }
    }
    literal
}

#[test]
fn no_message_starts_large_or_ends_with_a_full_stop() {
    let sources = source::all();
    let n_messages: usize =
        sources.iter().flat_map(|source| SPEAKERS.iter().map(|it| source.code.matches(it).count())).sum();
    assert!(n_messages > 50, "only {n_messages} messages were looked at");
    reject(&sources.iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn a_planted_message_is_found() {
    let check = |code: &str, expected: &[&str]| {
        assert_eq!(complaints(&Source::new("a.rs", code.to_owned())), expected, "{code}");
    };
    check(
        r#"warn!(%error, n = list.len(), "Stage died");"#,
        &[r#"src/a.rs:1: write "stage died": "Stage died""#],
    );
    check("\ninfo!(\"stopped.\");", &[r#"src/a.rs:2: write "stopped": "stopped.""#]);
    check(r#"info!(stage = "Aggregator", "stopped");"#, &[]);
    check(
        "#[error(\n    \"No such {0:?}\",\n    \"x\"\n)]",
        &[r#"src/a.rs:1: write "no such {0:?}": "No such {0:?}""#],
    );
    check(r#"warn!("PostgreSQL is away"); error!("ONNX Runtime is missing")"#, &[]);
    check(r#"warn!("he said \"Stop.\" and left")"#, &[]);
}
