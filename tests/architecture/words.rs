//! Words that some modules must not name, and words that only some may: the lists of ARCHITECTURE.md.

use std::path::Path;

use super::references::references;
use super::source::{self, Source, position};
use super::{ROOT, architecture, numbered, reject};

/// One line of these lists.
#[derive(Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Its line in ARCHITECTURE.md.
    line: usize,
    places: Vec<String>,
    words: Vec<String>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The places must not name the words.
    Never,
    /// No other place may name the words.
    Only,
}

impl Invariant {
    /// Parses ``- `src/a` and `src/b` never know `c`: reason``, ``- Only `src/a` knows `c` `` or ``- Nothing knows `c` ``.
    pub fn parse((line, text): (usize, &str)) -> Option<Self> {
        let statement = text.strip_prefix("- ")?;
        let verbs = [
            (" never know ", Kind::Never),
            (" never knows ", Kind::Never),
            (" knows ", Kind::Only),
            (" know ", Kind::Only),
        ];
        let ((places, rest), kind) =
            verbs.into_iter().find_map(|(verb, kind)| Some((statement.split_once(verb)?, kind)))?;
        if kind == Kind::Only && !places.starts_with("Only `") && places != "Nothing" {
            return None;
        }
        let words = rest.split_once(": ").map_or(rest, |(words, _)| words);
        let places = quoted(places).map(|place| place.trim_start_matches("src/").to_owned()).collect();
        Some(Self { line, places, words: quoted(words).map(str::to_owned).collect(), kind })
    }

    fn violations<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = String> + 'a {
        let is_at = |place: &String| {
            source
                .path
                .strip_prefix(place.as_str())
                .is_some_and(|rest| ["", ".rs"].contains(&rest) || rest.starts_with('/'))
        };
        let is_subject = self.places.iter().any(is_at) == (self.kind == Kind::Never);
        let words = self.words.iter().filter(move |_| is_subject);
        words.filter_map(move |word| Some((word, place_of(source, word)?))).map(move |(word, at)| {
            format!(
                "{}: {}: remove `{word}`, by ARCHITECTURE.md:{}",
                source.place(at),
                self.rule(),
                self.line
            )
        })
    }

    /// The rule in short.
    fn rule(&self) -> String {
        let places: Vec<String> = self.places.iter().map(|place| format!("`src/{place}`")).collect();
        match (self.kind, places.is_empty()) {
            (Kind::Never, _) => format!("{} never know this", places.join(", ")),
            (Kind::Only, true) => "nothing knows this".to_owned(),
            (Kind::Only, false) => format!("only {} know this", places.join(", ")),
        }
    }
}

pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Where a file first names a word, or by any path a module of this crate.
fn place_of(source: &Source, word: &str) -> Option<usize> {
    let Some(module) = word.strip_prefix("crate::") else {
        return position(&source.code, word);
    };
    let references = references(&source.path, &source.code).into_iter();
    references.filter(|(path, _)| path.first().is_some_and(|first| first == module)).map(|(_, at)| at).min()
}

#[test]
fn every_invariant_of_the_architecture_holds() {
    let text = architecture();
    let invariants: Vec<Invariant> = numbered(&text).filter_map(Invariant::parse).collect();
    let n_kept = invariants.iter().filter(|invariant| invariant.kind == Kind::Only).count();
    assert!(
        n_kept >= 8 && invariants.len() - n_kept >= 5,
        "lines of ARCHITECTURE.md are not read: {invariants:?}"
    );
    let sources = source::all();
    let mut found = Vec::new();
    for invariant in &invariants {
        let gone = invariant.places.iter().filter(|place| !Path::new(ROOT).join("src").join(place).exists());
        found.extend(gone.map(|place| {
            format!("ARCHITECTURE.md:{}: `src/{place}` does not exist: correct its name", invariant.line)
        }));
        found.extend(sources.iter().flat_map(|source| invariant.violations(source)));
    }
    reject(&found);
}

fn check(line: &str, path: &str, text: &str, expected: &[&str]) {
    let planted = Source::new(path, text.to_owned());
    let invariant = Invariant::parse((7, line)).unwrap_or_else(|| panic!("it is not read: {line}"));
    assert_eq!(invariant.violations(&planted).collect::<Vec<_>>(), expected, "{line}: {text}");
}

#[test]
fn a_planted_word_is_found() {
    let pure =
        "- `src/virality` and `src/trends` never know `async fn` and `::now()`: they are tested with tables.";
    let told = [
        "src/virality/score.rs:1: `src/virality`, `src/trends` never know this: remove `::now()`, by ARCHITECTURE.md:7",
    ];
    check(pure, "virality/score.rs", "let now = Timestamp::now();", &told);
    check(pure, "inference/batch.rs", "let now = Timestamp::now();", &[]);
    let sql = "- Only `src/store` knows `INSERT INTO`.";
    let told =
        ["src/http/posts.rs:2: only `src/store` know this: remove `INSERT INTO`, by ARCHITECTURE.md:7"];
    check(sql, "http/posts.rs", "// Stores posts.\nclient.query(\"INSERT INTO posts\")", &told);
    check(sql, "store/posts.rs", "client.query(\"INSERT INTO posts\")", &[]);
    check(sql, "store.rs", "\"INSERT INTO posts\"", &[]);
    let unbounded = "- Nothing knows `unbounded_channel`: memory never grows with load.";
    let told = ["src/app.rs:1: nothing knows this: remove `unbounded_channel`, by ARCHITECTURE.md:7"];
    check(unbounded, "app.rs", "let (a, b) = mpsc::unbounded_channel();", &told);
    check(unbounded, "app.rs", "// unbounded_channel", &[]);
    let leaf = "- `src/process` never knows `crate::models`.";
    let told = [
        "src/process/child.rs:1: `src/process` never know this: remove `crate::models`, by ARCHITECTURE.md:7",
    ];
    check(leaf, "process/child.rs", "use super::super::models::Post;", &told);
    check(leaf, "process/child.rs", "use super::models::Post;", &[]);
    let file = "- Only `src/process/child.rs` and `src/bench` know `Command::new(`.";
    check(file, "process/child.rs", "Command::new(program)", &[]);
    assert_eq!(Invariant::parse((1, "- Nobody knows of a post that another process left behind.")), None);
}
