//! How logs and errors sound: one sentence, small first letter, no full stop. Programs that search logs, and people who
//! read an error inside another, rely on it.

use crate::support::source;

/// What is followed by a message for people.
const SPEAKERS: [&str; 9] =
    ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "anyhow!(", "bail!(", ".context(", "#[error("];

/// Names keep their capitals.
const NAMES: [&str; 8] =
    ["PostgreSQL", "Redis", "Groundswell", "Docker", "Ctrl-C", "Debian", "Node.js", "Chromium"];

/// What is wrong with the messages in `code`.
fn complaints(code: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for speaker in SPEAKERS {
        for (at, _) in code.match_indices(speaker) {
            let messages = literals(&code[at + speaker.len()..]);
            complaints.extend(messages.iter().filter(|message| is_ill_formed(message)).cloned());
        }
    }
    complaints
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
    let mut found = Vec::new();
    let mut n_messages = 0;
    for file in source::all() {
        n_messages += SPEAKERS.iter().map(|speaker| file.code.matches(speaker).count()).sum::<usize>();
        found.extend(
            complaints(&file.code).into_iter().map(|message| format!("src/{}: {message:?}", file.path)),
        );
    }
    assert!(n_messages > 50, "only {n_messages} messages were looked at");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_planted_message_is_found() {
    let check = |code: &str, expected: &[&str]| assert_eq!(complaints(code), expected, "{code}");
    check(r#"warn!(%error, n = list.len(), "Stage died");"#, &["Stage died"]);
    check(r#"info!("stopped.");"#, &["stopped."]);
    check(r#"info!(stage = "Aggregator", "stopped");"#, &[]);
    check("#[error(\n    \"No such {0:?}\",\n    \"x\"\n)]", &["No such {0:?}"]);
    check(r#"warn!("PostgreSQL is away"); error!("ONNX Runtime is missing")"#, &[]);
    check(r#"warn!("he said \"Stop.\" and left")"#, &[]);
}
