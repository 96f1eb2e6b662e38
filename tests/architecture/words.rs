//! Words that some modules must not name, and words that only some may: the lists of ARCHITECTURE.md.

use super::references::references;
use super::{ROOT, architecture};
use crate::support::source::{self, Source, mentions};

/// One line of these lists.
#[derive(Debug, PartialEq, Eq)]
pub struct Invariant {
    places: Vec<String>,
    words: Vec<String>,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The places must not name the words.
    Never,
    /// No other place may name the words.
    Only,
}

impl Invariant {
    /// Parses ``- `src/a` and `src/b` never know `c`: reason``, ``- Only `src/a` knows `c` `` or ``- Nothing knows `c` ``.
    pub fn parse(line: &str) -> Option<Self> {
        let statement = line.strip_prefix("- ")?;
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
        Some(Self { places, words: quoted(words).map(str::to_owned).collect(), kind })
    }

    fn violations<'a>(&'a self, Source { path, code }: &'a Source) -> impl Iterator<Item = String> + 'a {
        let is_at = |place: &String| {
            path.strip_prefix(place.as_str())
                .is_some_and(|rest| ["", ".rs"].contains(&rest) || rest.starts_with('/'))
        };
        let is_subject = self.places.iter().any(is_at) == (self.kind == Kind::Never);
        let words = self.words.iter().filter(move |word| is_subject && names(path, code, word));
        words.map(move |word| match self.kind {
            Kind::Never => format!("src/{path}: never knows `{word}`, by ARCHITECTURE.md"),
            Kind::Only => format!("src/{path}: only {:?} may know `{word}`, by ARCHITECTURE.md", self.places),
        })
    }
}

pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a file names a word, or by any path a module of this crate.
fn names(path: &str, code: &str, word: &str) -> bool {
    match word.strip_prefix("crate::") {
        Some(module) => {
            references(path, code).iter().any(|reference| reference.first().is_some_and(|m| m == module))
        }
        None => mentions(code, word),
    }
}

#[test]
fn every_invariant_of_the_architecture_holds() {
    let text = architecture();
    let invariants: Vec<Invariant> = text.lines().filter_map(Invariant::parse).collect();
    let n_kept = invariants.iter().filter(|invariant| invariant.kind == Kind::Only).count();
    assert!(
        n_kept >= 8 && invariants.len() - n_kept >= 5,
        "lines of ARCHITECTURE.md are not read: {invariants:?}"
    );
    let sources = source::all();
    let gone = invariants
        .iter()
        .flat_map(|invariant| &invariant.places)
        .filter(|place| !std::path::Path::new(ROOT).join("src").join(place).exists());
    let mut found: Vec<String> = gone
        .map(|place| format!("ARCHITECTURE.md: `src/{place}` does not exist: correct its name"))
        .collect();
    for source in &sources {
        found.extend(invariants.iter().flat_map(|invariant| invariant.violations(source)));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn check(line: &str, path: &str, text: &str, expected: &[&str]) {
    let planted = Source { path: path.to_owned(), code: source::code_of(text) };
    let invariant = Invariant::parse(line).unwrap_or_else(|| panic!("it is not read: {line}"));
    assert_eq!(invariant.violations(&planted).collect::<Vec<_>>(), expected, "{line}: {text}");
}

#[test]
fn a_planted_word_is_found() {
    let pure =
        "- `src/virality` and `src/trends` never know `async fn` and `::now()`: they are tested with tables.";
    let told = ["src/virality/score.rs: never knows `::now()`, by ARCHITECTURE.md"];
    check(pure, "virality/score.rs", "let now = Timestamp::now();", &told);
    check(pure, "inference/batch.rs", "let now = Timestamp::now();", &[]);
    let sql = "- Only `src/store` knows `INSERT INTO`.";
    let told = ["src/http/posts.rs: only [\"store\"] may know `INSERT INTO`, by ARCHITECTURE.md"];
    check(sql, "http/posts.rs", "client.query(\"INSERT INTO posts\")", &told);
    check(sql, "store/posts.rs", "client.query(\"INSERT INTO posts\")", &[]);
    check(sql, "store.rs", "\"INSERT INTO posts\"", &[]);
    let unbounded = "- Nothing knows `unbounded_channel`: memory never grows with load.";
    let told = ["src/app.rs: only [] may know `unbounded_channel`, by ARCHITECTURE.md"];
    check(unbounded, "app.rs", "let (a, b) = mpsc::unbounded_channel();", &told);
    check(unbounded, "app.rs", "// unbounded_channel", &[]);
    let leaf = "- `src/process` never knows `crate::models`.";
    let told = ["src/process/child.rs: never knows `crate::models`, by ARCHITECTURE.md"];
    check(leaf, "process/child.rs", "use super::super::models::Post;", &told);
    check(leaf, "process/child.rs", "use super::models::Post;", &[]);
    let file = "- Only `src/process/child.rs` and `src/bench` know `Command::new(`.";
    check(file, "process/child.rs", "Command::new(program)", &[]);
    assert_eq!(Invariant::parse("- Nobody knows of a post that another process left behind."), None);
}
