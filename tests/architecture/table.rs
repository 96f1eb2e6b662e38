//! The table of modules in ARCHITECTURE.md: one row for each folder of `src`, and what it may use.

use std::collections::BTreeMap;

/// What every module may use without saying so.
const OPEN_TO_ALL: [&str; 2] = ["models", "telemetry"];

/// What the table lets a module use.
#[derive(Debug, PartialEq, Eq)]
enum Permission {
    Everything,
    Only(Vec<String>),
}

/// Modules by name, and what each may use.
pub struct Table(BTreeMap<String, Permission>);

impl Table {
    /// Reads the rows that begin with a folder of `src`.
    ///
    /// # Errors
    /// Says which row to correct, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rows = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with("| `src/")) {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [folder, role, uses] = cells.as_slice() else {
                return Err(format!("write it as `| folder | role | may use |`: {line}"));
            };
            let module = folder.trim_matches('`').trim_start_matches("src/");
            if role.is_empty() {
                return Err(format!("say what `src/{module}` does"));
            }
            if rows.insert(module.to_owned(), permission(module, uses)?).is_some() {
                return Err(format!("keep one of the two rows of `src/{module}`"));
            }
        }
        let table = Self(rows);
        let unknown = table.unknown_names().next();
        unknown.map_or(Ok(table), Err)
    }

    /// Whether `module` may use `used`; a module without a row may use nothing.
    pub fn allows(&self, module: &str, used: &str) -> bool {
        OPEN_TO_ALL.contains(&used)
            || self.0.get(module).is_some_and(|permission| match permission {
                Permission::Everything => true,
                Permission::Only(names) => names.iter().any(|name| name == used),
            })
    }

    /// Modules without a row and rows without a module, and what to do about each.
    pub fn differences(&self, modules: &[String]) -> Vec<String> {
        let without_row = modules.iter().filter(|module| !self.0.contains_key(*module));
        let without_row = without_row.map(|module| {
            format!("`src/{module}` has no row: add `| `src/{module}` | what it does | what it may use, or nothing |`")
        });
        let without_folder = self.0.keys().filter(|row| !modules.contains(row));
        let without_folder = without_folder
            .map(|row| format!("`src/{row}` does not exist: delete its row, or correct its name"));
        without_row.chain(without_folder).collect()
    }

    fn unknown_names(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(module, permission)| {
            let names = match permission {
                Permission::Everything => &[],
                Permission::Only(names) => names.as_slice(),
            };
            let unknown = names.iter().filter(|name| !self.0.contains_key(*name));
            unknown.map(move |name| {
                format!("`src/{module}` may use `{name}`, which has no row: correct the name")
            })
        })
    }
}

fn permission(module: &str, uses: &str) -> Result<Permission, String> {
    match uses {
        "" => Err(format!(
            "say what `src/{module}` may use: names with commas between them, `nothing` or `everything`"
        )),
        "everything" => Ok(Permission::Everything),
        "nothing" => Ok(Permission::Only(Vec::new())),
        _ => Ok(Permission::Only(uses.split(", ").map(str::to_owned).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "| `src/store` | SQL | nothing |\n| `src/http` | routes | store, live |\n| `src/live` | frames | nothing |";

    fn error_of(text: &str) -> String {
        Table::parse(text).err().unwrap_or_default()
    }

    #[test]
    fn a_module_may_use_what_its_row_names() {
        let table = Table::parse(&format!("{ROWS}\n| `src/app` | wiring | everything |")).unwrap();
        for (module, used, expected) in [
            ("http", "store", true),
            ("http", "models", true),
            ("store", "telemetry", true),
            ("app", "http", true),
            ("store", "http", false),
            ("live", "store", false),
            ("nowhere", "store", false),
        ] {
            assert_eq!(table.allows(module, used), expected, "{module} {used}");
        }
    }

    #[test]
    fn a_planted_mistake_in_the_table_is_found() {
        for (row, expected) in [
            ("| `src/ws` | sockets |", "write it as `| folder | role | may use |`: | `src/ws` | sockets |"),
            ("| `src/ws` | | nothing |", "say what `src/ws` does"),
            (
                "| `src/ws` | sockets | |",
                "say what `src/ws` may use: names with commas between them, `nothing` or `everything`",
            ),
            (
                "| `src/ws` | sockets | store live |",
                "`src/ws` may use `store live`, which has no row: correct the name",
            ),
            ("| `src/live` | sockets | store |", "keep one of the two rows of `src/live`"),
        ] {
            assert_eq!(error_of(&format!("{ROWS}\n{row}")), expected, "{row}");
        }
        assert_eq!(error_of(ROWS), "");
    }

    #[test]
    fn a_module_without_a_row_and_a_row_without_a_module_are_found() {
        let modules = ["http", "store", "ws"].map(str::to_owned);
        assert_eq!(
            Table::parse(ROWS).unwrap().differences(&modules),
            [
                "`src/ws` has no row: add `| `src/ws` | what it does | what it may use, or nothing |`",
                "`src/live` does not exist: delete its row, or correct its name",
            ]
        );
    }
}
