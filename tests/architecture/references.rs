//! The modules of this crate that a file refers to.

use std::collections::BTreeMap;

/// The path of a file's module below the crate's root, such as `["store", "posts"]`.
pub fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

/// Paths of this crate from its root, and where each first stands in the code.
pub type Places = BTreeMap<Vec<String>, usize>;

/// Every path of this crate in `code`: `crate::…`, `self::…` and `super::…`, groups taken apart.
pub fn references(path: &str, code: &str) -> Places {
    let module = module_of(path);
    let mut found = Leaves::of(code);
    let mut rest = code;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let starts_path = !before.is_alphanumeric() && before != '_' && before != ':';
        if let Some((base, tree)) = starts_path.then(|| base(&module, rest)).flatten() {
            rest = found.add(tree, base);
            before = ' ';
        } else {
            rest = &rest[first.len_utf8()..];
            before = first;
        }
    }
    found.places
}

/// The names that a file imports or re-exports: for each its path in this file's module, and that of the item itself.
pub fn imports(path: &str, code: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let module = module_of(path);
    let mut items = Leaves::of(code);
    for (at, keyword) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap_or_default().trim_start();
        if before.is_empty() || before.starts_with("pub") {
            let tree = &code[at + keyword.len()..];
            let (base, tree) = base(&module, tree).unwrap_or_else(|| (module.clone(), tree));
            items.add(tree, base);
        }
    }
    let name = |item: &Vec<String>| module.iter().chain(item.last()).cloned().collect();
    items.places.into_keys().map(|item| (name(&item), item)).collect()
}

/// What `crate::`, `self::` or `super::` at the start of `text` stands for, and the text after it.
fn base<'a>(module: &[String], text: &'a str) -> Option<(Vec<String>, &'a str)> {
    if let Some(rest) = text.strip_prefix("crate::") {
        return Some((Vec::new(), rest));
    }
    if let Some(rest) = text.strip_prefix("self::") {
        return Some((module.to_vec(), rest));
    }
    let mut rest = text.strip_prefix("super::")?;
    let mut base = module.to_vec();
    base.pop();
    while let Some(further) = rest.strip_prefix("super::") {
        rest = further;
        base.pop();
    }
    Some((base, rest))
}

/// The paths that were found in a file.
struct Leaves<'a> {
    code: &'a str,
    places: Places,
}

impl<'a> Leaves<'a> {
    fn of(code: &'a str) -> Self {
        Self { code, places: Places::new() }
    }

    /// Adds the paths of a tree such as `a::{B, c::D}` at the start of `text`, and returns the text after it.
    fn add(&mut self, text: &'a str, prefix: Vec<String>) -> &'a str {
        let text = text.trim_start();
        if let Some(group) = text.strip_prefix('{') {
            let mut rest = group.trim_start();
            while !rest.is_empty() && !rest.starts_with('}') {
                rest = self.add(rest, prefix.clone());
                // Skips ` as name` as well.
                rest = rest.find([',', '}']).map_or("", |at| rest[at..].trim_start_matches(',').trim_start());
            }
            return rest.strip_prefix('}').unwrap_or(rest);
        }
        let n_bytes = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(n_bytes);
        let mut path = prefix;
        if !name.is_empty() && name != "self" {
            path.push(name.to_owned());
        }
        match rest.strip_prefix("::") {
            Some(tree) if !tree.starts_with('<') => self.add(tree, path),
            // A macro belongs to no module, wherever its name stands.
            _ if rest.starts_with('!') => rest,
            _ => {
                let at = self.code.len() - text.len();
                let first = self.places.entry(path).or_insert(at);
                *first = at.min(*first);
                rest
            }
        }
    }
}

#[test]
fn paths_are_read_from_the_root() {
    let check = |path: &str, code: &str, expected: &[&str]| {
        let found: Vec<String> = references(path, code).into_keys().map(|path| path.join("::")).collect();
        assert_eq!(found, expected, "{code}");
    };
    check("store/posts/mod.rs", "use super::locks::Lock;", &["store::locks::Lock"]);
    check("store/posts/record.rs", "use super::super::locks;", &["store::locks"]);
    check(
        "store/posts/record.rs",
        "use self::keys::Key; pub use super::*;",
        &["store::posts", "store::posts::record::keys::Key"],
    );
    check("lib.rs", "pub use self::app::run;", &["app::run"]);
    check("app.rs", "crate::store::find::<Post>(crate::stream::read())", &["store::find", "stream::read"]);
    check("app.rs", "crate::record!(x); the_crate::a(); ::crate::b();", &[]);
    check(
        "app.rs",
        "use crate::{\n    models::post::{self, Post as Stored, Source},\n    store,\n};\nuse crate::ws;",
        &["models::post", "models::post::Post", "models::post::Source", "store", "ws"],
    );
}

#[test]
fn a_path_is_found_where_it_first_stands() {
    let code = "use crate::{\n    a,\n    b::{C, D},\n};\nfn f() { crate::b::C::new(crate::b::D) }";
    let found = references("x.rs", code);
    let line = |path: [&str; 2]| code[..found[&path.map(str::to_owned).to_vec()]].matches('\n').count() + 1;
    assert_eq!((line(["b", "C"]), line(["b", "D"])), (3, 3));
}

#[test]
fn imports_lead_to_the_items_themselves() {
    let code =
        "mod a;\npub use a::{A, b::f};\npub(super) use self::c::C;\n    use crate::live;\nlet because = 1;";
    let found: Vec<String> = imports("store/mod.rs", code)
        .into_iter()
        .map(|(name, item)| format!("{} = {}", name.join("::"), item.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "store::live = live",
            "store::A = store::a::A",
            "store::f = store::a::b::f",
            "store::C = store::c::C",
        ]
    );
}
