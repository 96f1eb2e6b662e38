use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::command_line::parse_in;
use super::setting::{self, Kind};
use super::testing::{Program, directory, refusal, run, serve};

#[test]
fn the_command_line_wins_over_the_file_and_the_file_over_the_default() {
    let file =
        "[live]\nsockets_max = 5\n[pipeline]\nroles = ['web', 'alert']\n[auth]\ninsecure_open = true\n";
    let (config, sources) = serve(file, &["--sockets-max=6", "--log=warn"]);
    assert_eq!((config.live.sockets_max, config.pipeline.roles.len()), (6, 2));
    assert!(config.auth.insecure_open);
    assert_eq!(config.pipeline.batch_size, 500);
    let told = sources.to_string();
    assert!(
        told.ends_with("groundswell.toml: insecure_open, roles; command line: sockets_max, log"),
        "{told}"
    );
    assert_eq!(serve(file, &[]).0.live.sockets_max, 5);
    assert_eq!(serve("", &[]).1.to_string(), "defaults");
}

#[test]
fn a_command_takes_only_the_settings_it_has() {
    let file = "[stream]\nprefix = 'a:'\n[pipeline]\nbatch_size = 9\n";
    let Program::Feed { file: option, prefix, batch_size } = run(file, &["feed"]).unwrap().0 else {
        panic!()
    };
    assert_eq!((prefix.as_deref(), batch_size), (Some("a:"), 7));
    assert_eq!(option.config.to_str(), Some("groundswell.toml"));
    assert!(matches!(run("no TOML", &["openapi"]).unwrap().0, Program::Openapi));
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let directory = tempfile::tempdir().unwrap();
    let arguments =
        |all: &[&str]| ["groundswell", "serve"].iter().chain(all).map(Into::into).collect::<Vec<_>>();
    assert_eq!(parse_in::<Program>(directory.path(), arguments(&[])).unwrap().1.to_string(), "defaults");
    let error =
        parse_in::<Program>(directory.path(), arguments(&["--config=else.toml"])).unwrap_err().to_string();
    assert!(error.contains("else.toml") && error.contains("No such file"), "{error}");
    std::fs::write(directory.path().join("else.toml"), "[store]\npool_size = 3").unwrap();
    let told =
        parse_in::<Program>(directory.path(), arguments(&["--config=else.toml"])).unwrap().1.to_string();
    assert!(told.ends_with("else.toml: pool_size"), "{told}");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let error = refusal(
        "listen = '127.0.0.1:1'\nhttp = 3\n[pipelin]\n[pipeline]\nbach_size = 1\nredis_url = 'redis://u:secret@h'\n",
    );
    for expected in [
        "groundswell.toml",
        "unknown key `listen`; the nearest is `listen` in `[http]`",
        "`http` must be a table",
        "unknown table `[pipelin]`; the nearest is `[pipeline]`",
        "unknown key `bach_size` in `[pipeline]`; the nearest is `batch_size` in `[pipeline]`",
        "unknown key `redis_url` in `[pipeline]`; the nearest is `redis_url` in `[stream]`",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_value_that_is_not_allowed_is_refused_with_what_is() {
    for (wrong, expected) in [
        ("[pipeline]\nbatch_size = '500'", "`batch_size` in `[pipeline]`: must be an integer (default: 500)"),
        ("[pipeline]\nbatch_size = 1.5", "must be an integer"),
        ("[pipeline]\nbatch_size = 0", "`0`: must be a whole number, at least 1"),
        ("[pipeline]\nbatch_size = -1", "must not be negative (default: 500)"),
        ("[pipeline]\nroles = 'web'", "must be a list of strings (default: ingest,alert,web)"),
        ("[pipeline]\nroles = [1]", "must be a list of strings"),
        ("[pipeline]\nroles = ['cook']", "`cook`: must be one of ingest, alert, web"),
        ("[pipeline]\nroles = []", "must not be empty"),
        ("[pipeline]\nproducts = 'x'", "must be of the form `Name=word,word;Name=word`"),
        ("[embedded]\ndurable = 'yes'", "must be true or false"),
        ("[embedded]\ndata_dir = ''", "must not be empty"),
        ("[embedded]\nredis_fsync = 'never'", "must be one of always, every-sec"),
        ("[store]\nretention_days = 4000", "4000 is not in 1..=3650"),
        ("[stream]\nclaim_idle_ms = 6000", "6000 is not in 3000..=5000"),
        ("[stream]\nhigh_water = -1", "must not be negative (default: 500000)"),
        ("[http]\nlisten = 8080", "must be a string (default: 127.0.0.1:8080)"),
        ("[http]\nlisten = 'nowhere'", "`nowhere`: invalid socket address syntax (default: 127.0.0.1:8080)"),
        ("[inference]\nlatency_budget = '16s'", "must be at most 15s"),
        ("[inference]\nfast_model = 'none'", "must name a model"),
    ] {
        let error = refusal(wrong);
        assert!(error.contains("groundswell.toml") && error.contains(expected), "{wrong}\n{error}");
    }
}

#[test]
fn a_contradiction_names_the_key_in_the_file() {
    let (config, sources) = serve("[notify]\nnotify_allow = ['10.0.0.0/99']\n", &[]);
    let told = sources.locate(config.check().unwrap_err()).to_string();
    assert!(
        told.contains("groundswell.toml`: `notify_allow` in `[notify]`: `10.0.0.0/99` is not a subnet"),
        "{told}"
    );
    let (config, sources) = serve("", &["--notify-allow=10.0.0.0/99"]);
    assert!(
        sources.locate(config.check().unwrap_err()).to_string().starts_with("`GROUNDSWELL_NOTIFY_ALLOW`")
    );
}

#[test]
fn no_output_shows_a_secret() {
    for wrong in [
        "[auth]\nauth_token = 'hunter2'",
        "[auth]\nauth_token = \"hunter2\nlisten = 1",
        "[auth]\nauth_token = ['hunter2 hunter2 hunter2']",
        "[auth]\ntoken = 'hunter2'",
        "[auth.auth_token]\nhunter2 = 1",
        "[auth]\nauth_token = hunter2",
    ] {
        let error = refusal(wrong);
        assert!(error.contains("groundswell.toml") && !error.contains("hunter2"), "{wrong}\n{error}");
    }
    let error = run("", &["serve", "--auth-token=hunter2"]).unwrap_err().to_string();
    assert!(
        error.contains("--auth-token") && error.contains("16 bytes") && !error.contains("hunter2"),
        "{error}"
    );
    let secret = "hunter2 hunter2 hunter2 hunter2 hunter2";
    for setting in setting::all().iter().filter(|it| it.is_secret()) {
        let (config, sources) = serve("", &[&format!("{}={secret}", setting.option())]);
        assert!(
            !format!("{config:?} {sources} {:?}", config.servers()).contains("hunter2"),
            "{}",
            setting.key()
        );
        let (key, table) = (setting.key(), &setting.table);
        let value =
            if setting.kind() == Kind::List { format!("['{secret}']") } else { format!("'{secret}'") };
        let (config, sources) = serve(&format!("[{table}]\n{key} = {value}"), &[]);
        let told = config.check().map_err(|error| sources.locate(error).to_string());
        assert!(!format!("{config:?} {sources} {told:?}").contains("hunter2"), "{key}");
    }
}

#[test]
fn secrets_that_everybody_can_read_are_warned_of() {
    let warning = |text: &str, mode| {
        let directory = directory(text);
        let path = directory.path().join("groundswell.toml");
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let (_, sources) = parse_in::<Program>(directory.path(), ["g", "serve"].map(Into::into)).unwrap();
        sources.warning()
    };
    let secret = "[auth]\nauth_token = 'more than sixteen bytes'";
    assert!(warning(secret, 0o644).unwrap().contains("chmod o-r"));
    assert_eq!(warning(secret, 0o640), None);
    assert_eq!(warning("[store]\npool_size = 3", 0o644), None);
}
