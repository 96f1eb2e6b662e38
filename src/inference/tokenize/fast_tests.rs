//! The fast path compared with the `tokenizers` crate: both must assign the same ids to every text.

use std::io::Read as _;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

/// Returns the tokenizer of the shipped model that supports the fast path, loaded as the server loads it.
fn swift() -> Arc<Tokenizer> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("weights/swift");
    let tokenizer = Tokenizer::read(&Manifest::read(&folder).unwrap(), &folder).unwrap();
    assert!(tokenizer.plan.is_some(), "the fast path does not support {}", folder.display());
    Arc::new(tokenizer)
}

/// Encoders for both paths, to be compared.
struct Pair {
    tokenizer: Arc<Tokenizer>,
    encoder: Encoder,
    n_fast: usize,
}

impl Pair {
    fn new() -> Self {
        let tokenizer = swift();
        Self { encoder: tokenizer.encoder(), tokenizer, n_fast: 0 }
    }

    fn check(&mut self, text: &str) {
        let model = self.tokenizer.pipeline.get_model();
        let max_tokens = self.tokenizer.max_tokens;
        let fast = self.encoder.fast.as_mut().unwrap().encode(text, model, max_tokens).unwrap();
        let (reference, n_marks) = self.tokenizer.reference(text).unwrap();
        assert_eq!(n_marks, 0);
        if let Some(ids) = fast {
            assert_eq!(ids, reference, "{text:?}");
            self.n_fast += 1;
        }
    }
}

fn tweets() -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/mayweather-mcgregor_tweets.csv.gz");
    let mut rows = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut rows).unwrap();
    let mut rows = csv::Reader::from_reader(rows.as_bytes());
    let at = rows.headers().unwrap().iter().position(|name| name == "text").unwrap();
    rows.records().map(|row| row.unwrap()[at].to_owned()).collect()
}

#[test]
fn every_real_tweet_has_the_ids_that_the_crate_gives_it() {
    let mut pair = Pair::new();
    let tweets = tweets();
    tweets.iter().for_each(|tweet| pair.check(tweet));
    assert!(tweets.len() > 12_000, "{}", tweets.len());
    // Flags of subdivisions, such as Scotland's, use characters that the table omits.
    assert!(pair.n_fast * 1000 >= tweets.len() * 999, "{} of {}", pair.n_fast, tweets.len());
}

/// Fragments of texts: what people, programs and attackers write, and edge cases of the rules.
const FRAGMENTS: &[&str] = &[
    "http",
    "https",
    "httpss",
    "http:",
    "http://",
    "https://t.co/AbC1?x=1&amp;y=2",
    "xhttp://é",
    "www.",
    "www.a",
    "wwww.b",
    "https://\u{3000}",
    "http_",
    "http\u{301}",
    "HTTP://X.Y",
    "ｈｔｔｐ://wide",
    "@",
    "@@",
    "@bob",
    "a@b.com",
    "_@x",
    "@user",
    "@username",
    "@üser_1",
    "@\u{301}x",
    "#tag",
    "＃tag",
    "&amp;",
    "&amp;lt;",
    "&lt;",
    "&lt;3",
    "&gt;",
    "&amp;gt;:(",
    "&#39;",
    "&#039;",
    "&#0039;",
    "&quot;",
    "&",
    "'",
    "’",
    "‘",
    "`",
    "´",
    "can't",
    "o'''o",
    "'tis",
    "rock'n'roll",
    "dogs'",
    "''",
    "\u{0}",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{2028}",
    "\u{202e}",
    "\u{2060}",
    "\u{feff}",
    "\u{fe0f}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{e000}",
    "\u{d7ff}",
    "\u{10ffff}",
    "😂",
    "😂😂😂😂",
    "👩\u{200d}👩\u{200d}👧",
    "👍🏽",
    "🏳️\u{200d}🌈",
    "🇩🇪",
    "🏴\u{e0067}\u{e007f}",
    "1️⃣",
    "#️⃣",
    "½",
    "ﷺ",
    "ﬁ",
    "①",
    "ｆｕｌｌ",
    "㍿",
    "…",
    "‼️",
    "⁉",
    "º",
    "²",
    "Ⅷ",
    "𝓕𝓪𝓷𝓬𝔂",
    "İ",
    "I",
    "ı",
    "ß",
    "ẞ",
    "Σ",
    "ΑΣ",
    "ǅ",
    "é",
    "e\u{301}",
    "e\u{301}\u{327}",
    "e\u{327}\u{301}",
    "\u{301}",
    "\u{301}\u{327}\u{315}",
    "q\u{323}\u{307}",
    "\u{1100}\u{1161}\u{11a8}",
    "한국",
    "\u{1161}",
    "が",
    "か\u{3099}",
    "ｶﾞ",
    "क़",
    "क\u{93c}",
    "\u{9c7}\u{9be}",
    "ไทย",
    "これは良い",
    "这个",
    "\u{fad2}",
    "𠀀",
    "خدمة",
    "مُحَمَّد",
    "שָׁלוֹם",
    "Это",
    "ё",
    "нет",
    "٣",
    "९",
    "१२३",
    "aaa",
    "AaAa",
    "aaaa",
    "ééé",
    "...",
    "..",
    ".",
    "!!!",
    "!!",
    "!?",
    "?!",
    "??",
    "!?!?",
    "111",
    "1111",
    "٣٣٣",
    "   ",
    "\n\n\n",
    "\t",
    "\r\n",
    " ",
    " ",
    " ",
    "ha",
    "hahaha",
    ":)",
    ":-)",
    ":-))))",
    ":d",
    ":dog",
    ":D",
    "xD",
    "xp",
    "x",
    "8)",
    "8",
    "18)",
    "=]",
    ";*)",
    ":*",
    ":*:",
    ":'(",
    ":^3",
    ":33a",
    ":3é",
    ":)\u{301}",
    "<:",
    "<:o)",
    ">:(",
    ">:d1",
    "<3",
    "<333",
    "<3333",
    "<",
    "<<<",
    "(:",
    "((((:",
    ")-:",
    "]o=",
    "/;",
    "|*:",
    "^^",
    "^_^",
    "^.^",
    "^__^",
    "-_-",
    "-__-",
    "-____-",
    "--",
    "t_t",
    "T_T",
    "ot_t",
    "o_o",
    "O_o",
    "o_oo",
    "a_b",
    "[",
    "]",
    "[PAD]",
    "[UNK]",
    "[pad]",
    "\\",
    "$99.99",
    "50%",
    "2017-08-27",
    "don",
    "the",
    "love",
    "I",
    "a",
    "b",
    "_",
    "-",
];

#[test]
fn fragments_and_their_neighbours_have_the_ids_that_the_crate_gives_them() {
    let mut pair = Pair::new();
    for first in FRAGMENTS {
        pair.check(first);
        for second in FRAGMENTS {
            pair.check(&format!("{first}{second}"));
        }
    }
    for piece in ["x", "é", "😂", "ab", "1", "٣", "!", "((:", "<3", "@a ", "http ", "\u{301}", "&amp;"] {
        pair.check(&piece.repeat(3_000));
        pair.check(&format!("so {} it is", piece.repeat(3_000)));
    }
}

#[test]
fn every_character_has_the_ids_that_the_crate_gives_it() {
    let mut pair = Pair::new();
    let characters: Vec<char> = ('\0'..='\u{1ffff}').collect();
    let (mut n_pieces, mut text) = (0, String::new());
    // Few enough to avoid truncation.
    for some in characters.chunks(24) {
        text.clear();
        for character in some {
            text.extend(['e', *character, *character, 'n', ' ', *character, ' ']);
        }
        pair.check(&text);
        n_pieces += some.len();
    }
    assert!(n_pieces > 120_000);
    assert!(pair.n_fast * 100 > n_pieces / 24 * 95, "{}", pair.n_fast);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn whatever_is_written_has_the_ids_that_the_crate_gives_it(
        parts in prop::collection::vec(
            prop_oneof![
                6 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
                1 => any::<char>().prop_map(String::from),
                1 => (any::<char>(), 1_usize..6).prop_map(|(character, n)| String::from(character).repeat(n)),
                1 => "[ -~]{0,12}",
            ],
            0..24,
        )
    ) {
        thread_local!(static PAIR: std::cell::RefCell<Pair> = std::cell::RefCell::new(Pair::new()));
        PAIR.with_borrow_mut(|pair| pair.check(&parts.concat()));
    }
}

#[test]
fn unsupported_tokenizers_are_left_to_the_crate() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("weights/swift");
    let file = String::from_utf8(std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap();
    let plan = |from: &str, to: &str| {
        assert!(from.is_empty() || file.contains(from), "{from}");
        let file = file.replacen(from, to, 1);
        let pipeline = Pipeline::from_bytes(file.as_bytes()).unwrap();
        fast::Plan::of(file.as_bytes(), pipeline.get_model())
    };
    assert!(plan("", "").is_some());
    assert!(plan(r#"{"type":"NFKC"}"#, r#"{"type":"NFKD"}"#).is_none());
    assert!(plan(r#"{"type":"Lowercase"}"#, r#"{"type":"StripAccents"}"#).is_none());
    assert!(plan(r"www\\.\\S+", r"www\\.\\w+").is_none());
    assert!(plan("t_t|o_o", "t_t").is_none());
    assert!(plan(r#""behavior":"Removed""#, r#""behavior":"Isolated""#).is_none());
    assert!(plan(r#""invert":true"#, r#""invert":false"#).is_none());
    assert!(plan(r#""normalized":false"#, r#""normalized":true"#).is_none());
    assert!(plan(r#""dropout":null"#, r#""dropout":0.1"#).is_none());
    let marks = r#""post_processor":{"type":"BertProcessing","sep":["[UNK]",1],"cls":["[PAD]",0]}"#;
    assert!(plan(r#""post_processor":null"#, marks).is_none());
}
