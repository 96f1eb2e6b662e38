//! Example settings file, generated from the definitions of the settings.

use super::setting::{self, Kind, Setting};

const HEAD: &str = "\
# Settings of Groundswell and their defaults. Save this as `groundswell.toml` in the working directory, or anywhere
# and name it with `--config FILE` or `GROUNDSWELL_CONFIG`, and remove the `#` before each key that you change.
#
# The command line wins over environment variables, and these win over this file. Relative paths start from the working
# directory.
";

/// Returns a `groundswell.toml` that lists every setting with its help and default, all commented out.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let mut table = String::new();
    for setting in setting::all() {
        if setting.table != table {
            table.clone_from(&setting.table);
            text.push_str(&format!("\n[{table}]\n"));
        }
        let help = setting.arg.get_help().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("\n# {help}\n#{} = {}\n", setting.key(), default_of(&setting)));
    }
    text
}

fn default_of(setting: &Setting) -> String {
    let values = setting.defaults();
    match setting.kind() {
        Kind::Integer | Kind::Boolean => values.concat(),
        Kind::Text => format!("{:?}", values.concat()),
        Kind::List => format!("{values:?}"),
    }
}
