//! `groundswell.toml`, as the executable reads it.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a command in this directory, with these variables alone.
fn groundswell(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(variables.iter().copied()).current_dir(directory).args(arguments).output().unwrap()
}

fn doctor(directory: &Path, variables: &[(&str, &str)], options: &[&str]) -> String {
    let arguments = [&["doctor", "--fast-model=fake", "--deep-model=none"], options].concat();
    String::from_utf8(groundswell(directory, variables, &arguments).stdout).unwrap()
}

#[test]
fn the_command_line_wins_over_a_variable_that_over_the_file_and_that_over_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert!(doctor(here, &[], &[]).contains("127.0.0.1:8080"));
    std::fs::write(here.join("groundswell.toml"), "[http]\nlisten = '127.0.0.2:0'\n").unwrap();
    let by_file = doctor(here, &[], &[]);
    assert!(by_file.contains("127.0.0.2:0 is free"), "{by_file}");
    assert!(by_file.contains("groundswell.toml: listen; command line: fast_model, deep_model"), "{by_file}");
    let variable = [("GROUNDSWELL_LISTEN", "127.0.0.3:0")];
    let by_variable = doctor(here, &variable, &[]);
    assert!(by_variable.contains("127.0.0.3:0 is free"), "{by_variable}");
    assert!(by_variable.contains("environment: listen;"), "{by_variable}");
    let by_option = doctor(here, &variable, &["--listen=127.0.0.4:0"]);
    assert!(by_option.contains("127.0.0.4:0 is free"), "{by_option}");
}

#[test]
fn the_file_is_named_by_option_or_variable_and_then_must_exist() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    std::fs::write(here.join("other.toml"), "[http]\nlisten = '127.0.0.5:0'\n").unwrap();
    assert!(doctor(here, &[], &["--config=other.toml"]).contains("127.0.0.5:0 is free"));
    assert!(doctor(here, &[("GROUNDSWELL_CONFIG", "other.toml")], &[]).contains("127.0.0.5:0 is free"));
    let refused = groundswell(here, &[("GROUNDSWELL_CONFIG", "absent.toml")], &["serve"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.starts_with("error: settings file `absent.toml`"), "{error}");
}

#[test]
fn a_server_does_not_start_with_a_file_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    for (text, expected) in [
        (
            "[http]\nlisen = '127.0.0.1:0'",
            "unknown key `lisen` in `[http]`; the nearest is `listen` in `[http]`",
        ),
        ("[auth]\nauth_token = 'hunter2'", "`auth_token` in `[auth]`: must be at least 16 bytes long"),
        ("[store]\ndatabase_url = 'postgres://u:hunter2@h'", "`DATABASE_URL` is set and `REDIS_URL` is not"),
    ] {
        std::fs::write(here.join("groundswell.toml"), text).unwrap();
        let refused = groundswell(here, &[], &["serve"]);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_printed_example_is_a_file_that_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let example = groundswell(directory.path(), &[], &["config"]).stdout;
    let before = doctor(directory.path(), &[], &[]);
    std::fs::write(directory.path().join("groundswell.toml"), example).unwrap();
    assert_eq!(doctor(directory.path(), &[], &[]), before);
}
