//! Migrations take their numbers when they land: `scripts/number-migrations.sh`, on repositories made for the purpose.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ROOT;

/// A repository whose main has the migrations 1 and 2. Deleted when dropped.
struct Repository(PathBuf);

impl Repository {
    fn new() -> Self {
        static N_CREATED: AtomicUsize = AtomicUsize::new(0);
        let n = N_CREATED.fetch_add(1, Ordering::Relaxed);
        let repository =
            Self(std::env::temp_dir().join(format!("groundswell-migrations-{}-{n}", std::process::id())));
        for script in ["number-migrations.sh", "lint-migrations.sh"] {
            let path = format!("scripts/{script}");
            repository.write(&path, &fs::read_to_string(Path::new(ROOT).join(&path)).unwrap());
        }
        repository.write("CHANGELOG.md", "- Posts (migration 1).\n\n- Scores (migration 2).\n");
        repository.write("migrations/README.md", "V1 and V3 are not files.\n");
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.add_migrations(&["V1__posts", "V2__scores"]);
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// Runs a program in the repository, without the settings of this machine.
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.current_dir(&self.0).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "A").env(format!("GIT_{role}_EMAIL"), "a@example.org");
        }
        command.output().unwrap()
    }

    fn git(&self, arguments: &[&str]) {
        let output = self.run("git", arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "Change"]);
    }

    fn add_migrations(&self, names: &[&str]) {
        for name in names {
            self.write(&format!("migrations/{name}.sql"), &format!("-- {name}\nSELECT 1;\n"));
        }
        self.commit();
    }

    /// Starts a branch from main, with these migrations and a file that refers to them.
    fn branch(&self, branch: &str, migrations: &[&str], references: &str) {
        self.git(&["switch", "--quiet", "--create", branch, "main"]);
        self.write(&format!("src/{branch}.rs"), references);
        self.add_migrations(migrations);
    }

    fn merge(&self, branch: &str) {
        self.git(&["merge", "--quiet", "--no-edit", branch]);
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Output {
        self.run("bash", &[&[format!("scripts/{name}.sh").as_str()], arguments].concat())
    }

    /// Numbers the migrations and returns what the script prints for people.
    fn number(&self, arguments: &[&str]) -> String {
        let output = self.script("number-migrations", arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn lint(&self) -> Result<(), String> {
        let output = self.script("lint-migrations", &[]);
        if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    }

    /// The migrations, sorted by number.
    fn migrations(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.join("migrations")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<String> =
            names.filter_map(|it| Some(it.strip_suffix(".sql")?.to_owned())).collect();
        found
            .sort_by_key(|name| (name[1..].split('_').next().unwrap().parse::<u32>().unwrap(), name.clone()));
        found
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_merged_branch_takes_the_numbers_after_those_on_main_in_its_own_order() {
    let repository = Repository::new();
    let references =
        "// V3__topics.sql, V4__topics_more, V3__topics_most, V3, migration 3, Migration 4, migration 33.\n";
    repository.branch("topics", &["V3__topics", "V4__topics_more"], references);
    repository.write(
        "CHANGELOG.md",
        "- Posts (migration 1).\n- Topics (migration 4).\n\n- Scores (migration 2).\n",
    );
    repository.commit();
    repository.git(&["switch", "--quiet", "main"]);
    repository.write(
        "CHANGELOG.md",
        "- Posts (migration 1).\n\n- Scores (migration 2).\n- Reports (migration 3).\n",
    );
    repository.add_migrations(&["V3__reports"]);
    repository.git(&["switch", "--quiet", "topics"]);
    repository.merge("main");

    let complaint = repository.lint().unwrap_err();
    let expected =
        "migrations/V3__reports.sql V3__topics.sql: have the same number: run `make number-migrations`\n";
    assert_eq!(complaint, expected);
    assert_eq!(repository.number(&[]), "");
    assert_eq!(
        repository.migrations(),
        ["V1__posts", "V2__scores", "V3__reports", "V4__topics", "V5__topics_more"]
    );
    assert_eq!(repository.read("migrations/V5__topics_more.sql"), "-- V5__topics_more\nSELECT 1;\n");
    assert_eq!(
        repository.read("src/topics.rs"),
        "// V4__topics.sql, V5__topics_more, V3__topics_most, V4, migration 4, Migration 5, migration 33.\n"
    );
    assert_eq!(
        repository.read("CHANGELOG.md"),
        "- Posts (migration 1).\n- Topics (migration 5).\n\n- Scores (migration 2).\n- Reports (migration 3).\n"
    );
    assert_eq!(repository.lint(), Ok(()));

    repository.commit();
    assert_eq!(repository.number(&[]), "");
    assert!(repository.run("git", &["status", "--porcelain"]).stdout.is_empty(), "nothing changes");
}

#[test]
fn two_merged_branches_with_the_same_number_get_numbers_of_their_own() {
    let repository = Repository::new();
    repository.branch("first", &["V3__alpha"], "// V3__alpha, migration 3\n");
    repository.branch("second", &["V3__beta", "V4__beta_more"], "// V3__beta, migration 3, migration 4\n");
    repository.branch("both", &[], "");
    repository.merge("first");
    repository.merge("second");
    assert_eq!(repository.number(&[]), "");
    assert_eq!(
        repository.migrations(),
        ["V1__posts", "V2__scores", "V3__alpha", "V4__beta", "V5__beta_more"]
    );
    assert_eq!(repository.read("src/first.rs"), "// V3__alpha, migration 3\n");
    assert_eq!(repository.read("src/second.rs"), "// V4__beta, migration 4, migration 5\n");
    assert_eq!(repository.lint(), Ok(()));
}

#[test]
fn what_cannot_be_decided_is_left_to_a_person() {
    let repository = Repository::new();
    repository.branch("both", &["V3__alpha", "V3__beta"], "// migration 3\nTarget::Version(2)\n");
    let told = repository.number(&[]);
    assert!(told.contains("src/both.rs:1: several migrations were 3"), "{told}");
    assert!(told.contains("src/both.rs:2: check this number"), "{told}");
    assert_eq!(repository.migrations(), ["V1__posts", "V2__scores", "V3__alpha", "V4__beta"]);
    assert_eq!(repository.read("src/both.rs"), "// migration 3\nTarget::Version(2)\n");
}

#[test]
fn files_that_are_not_committed_are_numbered_and_gaps_are_closed() {
    let repository = Repository::new();
    repository.git(&["switch", "--quiet", "--create", "work"]);
    repository.write("migrations/V9__late.sql", "SELECT 9; -- V9\n");
    repository.write("migrations/V10__later.sql", "SELECT 10;\n");
    let complaint = repository.lint().unwrap_err();
    assert_eq!(complaint, "migrations/V9__late.sql: should be V3: run `make number-migrations`\n");
    repository.number(&[]);
    assert_eq!(repository.migrations(), ["V1__posts", "V2__scores", "V3__late", "V4__later"]);
    assert_eq!(repository.read("migrations/V3__late.sql"), "SELECT 9; -- V3\n");
    assert_eq!(repository.lint(), Ok(()));
}

#[test]
fn on_main_the_base_is_a_commit_that_is_given() {
    let repository = Repository::new();
    assert_eq!(repository.number(&[]), "");
    repository.add_migrations(&["V3__alpha"]);
    repository.add_migrations(&["V3__beta"]);
    let refused = repository.script("number-migrations", &[]);
    assert!(!refused.status.success(), "{refused:?}");
    let refused = repository.script("number-migrations", &["HEAD"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("two migrations are V3"));
    repository.number(&["HEAD~1"]);
    assert_eq!(repository.migrations(), ["V1__posts", "V2__scores", "V3__alpha", "V4__beta"]);
}
