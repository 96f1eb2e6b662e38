//! The table of modules in ARCHITECTURE.md: one row for each folder of `src`, and what it may use.

use std::collections::{BTreeMap, BTreeSet};

use super::numbered;

/// What every module may use without saying so.
const OPEN_TO_ALL: &[&str] = &["models", "telemetry"];

/// What the table lets a module use.
#[derive(Debug, PartialEq, Eq)]
enum Permission {
    Everything,
    Only(Vec<String>),
}

/// One row of the table.
struct Row {
    line: usize,
    permission: Permission,
}

/// Rows by module.
pub struct Table(BTreeMap<String, Row>);

impl Table {
    /// Reads the rows that begin with a folder of `src`.
    ///
    /// # Errors
    /// Says which line to correct, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rows = BTreeMap::new();
        for (line, row) in numbered(text).filter(|(_, row)| row.starts_with("| `src/")) {
            let mistake = |what: String| format!("ARCHITECTURE.md:{line}: {what}");
            let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [folder, role, uses] = cells.as_slice() else {
                return Err(mistake(format!("write it as `| folder | role | may use |`: {row}")));
            };
            let module = folder.trim_matches('`').trim_start_matches("src/");
            if role.is_empty() {
                return Err(mistake(format!("say what `src/{module}` does")));
            }
            let permission = permission(module, uses).map_err(mistake)?;
            if let Some(Row { line: other, .. }) = rows.insert(module.to_owned(), Row { line, permission }) {
                return Err(mistake(format!("delete this row of `src/{module}` or the one in line {other}")));
            }
        }
        let table = Self(rows);
        let unknown = table.unknown_names().next();
        unknown.map_or(Ok(table), Err)
    }

    /// Whether `module` may use `used`; a module without a row may use nothing.
    pub fn allows(&self, module: &str, used: &str) -> bool {
        OPEN_TO_ALL.contains(&used)
            || self.0.get(module).is_some_and(|row| match &row.permission {
                Permission::Everything => true,
                Permission::Only(names) => names.iter().any(|name| name == used),
            })
    }

    /// What to change so that `module` may use `used` as well.
    pub fn change_that_allows(&self, module: &str, used: &str) -> String {
        let Some(Row { line, permission: Permission::Only(names) }) = self.0.get(module) else {
            return format!("give `src/{module}` a row in ARCHITECTURE.md");
        };
        let names: Vec<&str> = names.iter().map(String::as_str).chain([used]).collect();
        format!("end ARCHITECTURE.md:{line} with `| {} |`", names.join(", "))
    }

    /// Modules without a row and rows without a module, and what to do about each. `modules` holds what each one uses.
    pub fn differences(&self, modules: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
        let line = self.0.values().map(|row| row.line).max().unwrap_or_default() + 1;
        let without_row = modules.iter().filter(|(module, _)| !self.0.contains_key(*module));
        let without_row = without_row.map(|(module, used)| {
            let used: Vec<&str> =
                used.iter().map(String::as_str).filter(|used| !OPEN_TO_ALL.contains(used)).collect();
            let used = if used.is_empty() { "nothing".to_owned() } else { used.join(", ") };
            format!("ARCHITECTURE.md:{line}: add `| `src/{module}` | what it does | {used} |`")
        });
        let without_folder = self.0.iter().filter(|(module, _)| !modules.contains_key(*module));
        let without_folder = without_folder.map(|(module, Row { line, .. })| {
            format!(
                "ARCHITECTURE.md:{line}: `src/{module}` does not exist: delete this row, or correct its name"
            )
        });
        without_row.chain(without_folder).collect()
    }

    fn unknown_names(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(module, Row { line, permission })| {
            let names = match permission {
                Permission::Everything => &[],
                Permission::Only(names) => names.as_slice(),
            };
            let unknown = names.iter().filter(|name| !self.0.contains_key(*name));
            unknown.map(move |name| {
                format!("ARCHITECTURE.md:{line}: `src/{module}` may use `{name}`, which has no row: correct the name")
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
    fn the_change_that_allows_a_use_is_the_end_of_a_row() {
        let table = Table::parse(&format!("# Title\n{ROWS}")).unwrap();
        assert_eq!(
            table.change_that_allows("http", "stream"),
            "end ARCHITECTURE.md:3 with `| store, live, stream |`"
        );
        assert_eq!(table.change_that_allows("live", "store"), "end ARCHITECTURE.md:4 with `| store |`");
        assert_eq!(table.change_that_allows("ws", "store"), "give `src/ws` a row in ARCHITECTURE.md");
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
            ("| `src/live` | sockets | store |", "delete this row of `src/live` or the one in line 3"),
        ] {
            assert_eq!(
                error_of(&format!("{ROWS}\n{row}")),
                format!("ARCHITECTURE.md:4: {expected}"),
                "{row}"
            );
        }
        assert_eq!(error_of(ROWS), "");
    }

    #[test]
    fn a_module_without_a_row_and_a_row_without_a_module_are_found() {
        let uses = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let modules = [
            ("http", uses(&[])),
            ("media", uses(&["telemetry"])),
            ("store", uses(&[])),
            ("ws", uses(&["live", "models", "store"])),
        ];
        let modules = modules.into_iter().map(|(module, used)| (module.to_owned(), used)).collect();
        assert_eq!(
            Table::parse(ROWS).unwrap().differences(&modules),
            [
                "ARCHITECTURE.md:4: add `| `src/media` | what it does | nothing |`",
                "ARCHITECTURE.md:4: add `| `src/ws` | what it does | live, store |`",
                "ARCHITECTURE.md:3: `src/live` does not exist: delete this row, or correct its name",
            ]
        );
    }
}
