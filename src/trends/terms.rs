//! A post's terms: the words, hashtags and pairs of words that could trend.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::stop_words::is_stop_word;

/// Maximum number of terms per post. Texts with more are essays, or lists of everything.
const TERMS_MAX: usize = 80;

/// Maximum number of letters in a word. Longer ones are ids, keys or shouting.
const LETTERS_MAX: usize = 32;

/// Maximum number of characters in a Chinese word. Longer runs are phrases, which are split into pairs.
const HAN_WORD_MAX: usize = 4;

/// Returns the distinct terms of a post. Repeating a term in a post therefore does not make it trend.
///
/// Terms are words and pairs of adjacent words, without stop words, and hashtags with their `#`, all in lower case and
/// NFKC. Links, mentions, addresses and numbers are skipped. In scripts without spaces, a change of script separates
/// words. Han is split into words of up to four characters or into overlapping pairs; longer runs in other such scripts
/// are skipped.
pub fn terms_of(text: &str, lang: Option<&str>) -> HashSet<String> {
    let mut found = Terms { lang, terms: HashSet::new(), last: None };
    for chunk in text.split_whitespace() {
        if found.terms.len() >= TERMS_MAX {
            break;
        }
        found.read(chunk);
    }
    found.terms
}

struct Terms<'a> {
    lang: Option<&'a str>,
    terms: HashSet<String>,
    /// Previous word, if only a space separates it from the next one.
    last: Option<String>,
}

impl Terms<'_> {
    fn read(&mut self, chunk: &str) {
        if is_link(chunk) || chunk.contains('@') {
            self.last = None;
            return;
        }
        let chunk: String = match chunk.is_ascii() {
            true => chunk.to_ascii_lowercase(),
            false => chunk.nfkc().flat_map(char::to_lowercase).collect(),
        };
        let mut rest = chunk.as_str();
        while let Some(start) = rest.find(is_in_word) {
            let (before, word) = rest.split_at(start);
            if !before.is_empty() {
                self.last = None;
            }
            let end = end_of_word(word);
            let (word, after) = word.split_at(end);
            // Characters that belong to no word were skipped as part of `before`.
            if before.ends_with('#') {
                let end = after.find(|c| !is_in_word(c) && c != '_').unwrap_or(after.len());
                self.hashtag(&format!("{word}{}", after.get(..end).unwrap_or_default()));
                rest = after.get(end..).unwrap_or_default();
                continue;
            }
            runs(word).for_each(|(script, run)| self.word(script, run));
            rest = after;
        }
        if !rest.is_empty() {
            self.last = None;
        }
    }

    fn hashtag(&mut self, tag: &str) {
        self.last = None;
        let n_letters = tag.chars().count();
        if (2..=LETTERS_MAX).contains(&n_letters) && tag.chars().any(char::is_alphabetic) {
            self.terms.insert(format!("#{tag}"));
        }
    }

    fn word(&mut self, script: Script, run: &str) {
        let n_letters = run.chars().count();
        match script {
            Script::Spaced => self.spaced(run),
            Script::Han if n_letters > HAN_WORD_MAX => {
                let letters: Vec<char> = run.chars().collect();
                self.terms.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
                self.last = None;
            }
            Script::Han | Script::Katakana | Script::Unspaced => {
                let longest = if script == Script::Unspaced { 12 } else { LETTERS_MAX };
                if (2..=longest).contains(&n_letters) {
                    self.terms.insert(run.to_owned());
                }
                self.last = None;
            }
            // Hiragana are endings and particles.
            Script::Hiragana => self.last = None,
        }
    }

    fn spaced(&mut self, word: &str) {
        let stem = word.strip_suffix("'s").unwrap_or(word);
        let is_number = !word.chars().any(char::is_alphabetic);
        // Checks only the stem: after a word in another script, an ending stands on its own.
        let fits = (2..=LETTERS_MAX).contains(&stem.chars().count());
        if !fits || is_number || is_stop_word(word, self.lang) || is_stop_word(stem, self.lang) {
            self.last = None;
            return;
        }
        if let Some(last) = self.last.replace(stem.to_owned())
            && last != stem
        {
            self.terms.insert(format!("{last} {stem}"));
        }
        self.terms.insert(stem.to_owned());
    }
}

fn is_link(chunk: &str) -> bool {
    let chunk = chunk.trim_start_matches(|c: char| !c.is_alphanumeric());
    let starts = |with: &str| chunk.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    chunk.contains("://") || starts("www.") || starts("t.co/") || starts("http")
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Returns the position at which the word ends. An apostrophe, or a joiner in Arabic and Indic scripts, belongs to the
/// word if letters follow it.
fn end_of_word(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let joins = matches!(letter, '\'' | '’' | '\u{200c}' | '\u{200d}')
            && letters.peek().is_some_and(|(_, next)| is_in_word(*next));
        if !is_in_word(letter) && !joins {
            return at;
        }
    }
    text.len()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Spaced,
    Han,
    Hiragana,
    Katakana,
    /// Script that puts no spaces between words: Thai, Lao, Burmese or Khmer.
    Unspaced,
}

fn script_of(letter: char) -> Script {
    match u32::from(letter) {
        0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_134f => Script::Han,
        0x3041..=0x309f => Script::Hiragana,
        0x30a0..=0x30ff | 0x31f0..=0x31ff => Script::Katakana,
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff => Script::Unspaced,
        _ => Script::Spaced,
    }
}

/// Splits a word at every change of script.
fn runs(word: &str) -> impl Iterator<Item = (Script, &str)> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let script = script_of(rest.chars().next()?);
        let differs = |c: char| script_of(c) != script && !is_combining_mark(c);
        let end = rest.find(differs).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some((script, run))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found: Vec<String> = terms_of(text, None).into_iter().collect();
        found.sort();
        let mut expected: Vec<String> = expected.iter().map(|term| (*term).to_owned()).collect();
        expected.sort();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_pairs_and_hashtags_are_terms() {
        check("Battery drain again", &["battery", "drain", "battery drain"]);
        check("The battery of the phone", &["battery", "phone"]);
        check("battery, drain", &["battery", "drain"]);
        check("#MayMac was the battery's end!", &["#maymac", "battery", "end", "battery end"]);
        check("#New_Phone#Rocks yes", &["#new_phone", "#rocks"]);
        check("phone phone PHONE", &["phone"]);
        check("l’équipe perd", &["l’équipe", "perd", "l’équipe perd"]);
    }

    #[test]
    fn links_mentions_addresses_and_numbers_are_not_terms() {
        check("@user see https://t.co/x?a=b www.example.org me@example.org 2017 1,000", &[]);
        check("(https://example.org/battery) t.co/abc", &[]);
        check("RT @user: Battery &amp; screen", &["battery", "screen"]);
        check(&format!("{} x", "y".repeat(40)), &[]);
        check("#1 #2017", &[]);
    }

    #[test]
    fn any_script_is_read() {
        check("Батарея разряжается", &["батарея", "разряжается", "батарея разряжается"]);
        check("नमस्ते दुनिया", &["नमस्ते", "दुनिया", "नमस्ते दुनिया"]);
        check("البطارية ضعيفة", &["البطارية", "ضعيفة", "البطارية ضعيفة"]);
        check("新しいスマートフォンの電池", &["スマートフォン", "電池"]);
        check("电池续航太差", &["电池", "池续", "续航", "航太", "太差"]);
        check("배터리 문제", &["배터리", "문제", "배터리 문제"]);
        check("#ＢＡＴＴＥＲＹ", &["#battery"]);
        check("\u{20000}'s \u{7535}\u{6c60}'s", &["\u{7535}\u{6c60}"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_few_clean_terms(text in ".{0,400}") {
            let terms = terms_of(&text, None);
            prop_assert!(terms.len() < TERMS_MAX * 4);
            for term in terms {
                prop_assert!(!term.is_empty() && !term.contains('@') && term.chars().count() <= 2 * LETTERS_MAX + 1);
            }
        }
    }
}
