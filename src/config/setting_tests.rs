use clap::{Args, Command};

use super::file::SettingsFile;
use super::setting::{self, Kind, Setting};
use super::testing::{directory, serve};
use super::{Config, example};

/// Returns a settings file that changes only this setting from its default, together with the new value.
fn another(setting: &Setting) -> (String, String) {
    let default = setting.defaults().join(",");
    let text = |candidates: &[&str]| {
        let allowed =
            |it: &&&str| **it != default && setting.read(&figment::value::Value::from(**it)).is_ok();
        let found = candidates.iter().find(allowed).unwrap_or_else(|| panic!("{setting:?}"));
        (format!("{found:?}"), (*found).to_owned())
    };
    let (toml, value) = match (setting.kind(), setting.key()) {
        (Kind::Integer, _) => {
            let other = default.parse::<u64>().unwrap().checked_sub(1).unwrap_or(1).to_string();
            (other.clone(), other)
        }
        (Kind::Boolean, _) => ((default == "false").to_string(), (default == "false").to_string()),
        (Kind::List, "roles") => (r#"["web"]"#.to_owned(), "web".to_owned()),
        (Kind::List, "trusted_proxies") => (r#"["10.0.0.0/8"]"#.to_owned(), "10.0.0.0/8".to_owned()),
        (Kind::List, "rate_limit_quotas") => {
            (r#"["free.score=7/1"]"#.to_owned(), "free.score=7/1".to_owned())
        }
        (Kind::List, _) => (
            r#"["https://a.example", "https://b.example"]"#.to_owned(),
            "https://a.example,https://b.example".to_owned(),
        ),
        (Kind::Text, _) => text(&[
            "more than thirty-two characters of text",
            "10s",
            "always",
            "127.0.0.1:1",
            "A=b",
            "forwarded",
        ]),
    };
    (format!("[{}]\n{} = {toml}\n", setting.table, setting.key()), value)
}

#[test]
fn every_setting_can_be_given_in_the_file() {
    let settings = setting::all();
    let with_variables =
        Config::augment_args(Command::new("all")).get_arguments().filter(|it| it.get_env().is_some()).count();
    // All settings except the one that names the file have a key.
    assert_eq!(settings.len(), with_variables - 1);
    for setting in &settings {
        let (text, expected) = another(setting);
        let directory = directory(&text);
        let file = SettingsFile::read(&directory.path().join("groundswell.toml")).unwrap();
        let command = file.apply_to(Config::augment_args(Command::new("serve")));
        let matches = command.try_get_matches_from(["serve"]).unwrap();
        let raw: Vec<_> = matches.get_raw(setting.key()).unwrap().map(|it| it.to_str().unwrap()).collect();
        assert_eq!(raw.join(","), expected, "{text}");
        assert_eq!(serve(&text, &[]).1.to_string().split_once(": ").unwrap().1, setting.key());
    }
}

#[test]
fn a_setting_has_one_name_and_one_topic() {
    for setting in setting::all() {
        let name = setting.variable().to_lowercase();
        assert_eq!(setting.key(), name.trim_start_matches("groundswell_"), "{name}");
        assert_eq!(setting.is_secret(), setting.arg.is_hide_env_values_set(), "{name}");
    }
}

#[test]
fn the_example_sets_every_setting_to_its_default() {
    let uncommented: Vec<_> = example()
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        // A setting without a default has nothing to set.
        .filter(|line| !line.ends_with(" = \"\"") && !line.ends_with(" = []"))
        .map(str::to_owned)
        .collect();
    let (config, sources) = serve(&uncommented.join("\n"), &[]);
    let defaults = serve("", &[]).0;
    assert_eq!(format!("{config:?}"), format!("{defaults:?}"));
    let n_defaults = setting::all().iter().filter(|it| !it.defaults().concat().is_empty()).count();
    assert_eq!(sources.to_string().split(", ").count(), n_defaults);
    assert_eq!(serve(&example(), &[]).1.to_string(), "defaults");
}

/// Compares a generated file with the one in the repository.
fn expect_file(name: &str, expected: &str) {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "run the test with UPDATE_EXPECT=1");
}

#[test]
fn the_example_file_is_up_to_date() {
    expect_file("groundswell.toml.example", &example());
}

/// `.env.example` lists every variable with its default and help, and nothing else.
#[test]
fn the_example_environment_is_up_to_date() {
    let mut expected = String::from(
        "# Every setting of `groundswell serve`. Copy to .env and export what you change. Options on the command line win over\n\
         # these variables, and these win over `groundswell.toml` (see groundswell.toml.example).\n",
    );
    let command = Config::augment_args(Command::new("serve"));
    for argument in command.get_arguments() {
        let Some(variable) = argument.get_env() else { continue };
        let help = argument.get_help().unwrap().to_string();
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        expected.push_str(&format!("\n# {help}\n# {}={}\n", variable.to_string_lossy(), defaults.join(",")));
    }
    expect_file(".env.example", &expected);
}
