//! Filter on one property of posts: the values that it may have, and those that it must not have.

use super::values::Values;

/// Filter on one property of posts. Without any values, it matches every post; `""` stands for posts without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFilter<T = String> {
    /// Values of which a post must have at least one; if there are none, a post may have any value.
    pub any_of: Vec<T>,
    /// Values of which a post must have none, even if it also has one of `any_of`.
    pub none_of: Vec<T>,
}

impl<T> Default for KeyFilter<T> {
    fn default() -> Self {
        Self { any_of: Vec::new(), none_of: Vec::new() }
    }
}

impl<T: Clone + PartialEq> KeyFilter<T> {
    /// Returns a filter for posts with any of the first values and none of the others. Repeated values count once.
    pub fn new(any_of: &[T], none_of: &[T]) -> Self {
        Self { any_of: distinct(any_of), none_of: distinct(none_of) }
    }

    /// Returns a filter for posts with this value.
    pub fn only(value: impl Into<T>) -> Self {
        Self { any_of: vec![value.into()], none_of: Vec::new() }
    }

    /// Returns whether the filter matches every post.
    pub fn is_empty(&self) -> bool {
        self.any_of.is_empty() && self.none_of.is_empty()
    }
}

impl<T> From<Option<T>> for KeyFilter<T> {
    fn from(value: Option<T>) -> Self {
        Self { any_of: value.into_iter().collect(), none_of: Vec::new() }
    }
}

fn distinct<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
    }
    distinct
}

/// Returns the conditions on a column of text. A null counts as `""`.
///
/// Conditions on values other than `""` compare the bare column, so that an index on it applies.
pub(super) fn on_column(column: &str, keys: &KeyFilter, values: &mut Values) -> Vec<String> {
    let mut conditions = Vec::new();
    match keys.any_of.as_slice() {
        [] => {}
        [none] if none.is_empty() => conditions.push(format!("coalesce({column}, '') = ''")),
        [only] => conditions.push(format!("{column} = {}::text", values.bind(only.clone()))),
        any_of => {
            let has_none = any_of.iter().any(String::is_empty);
            let column = if has_none { format!("coalesce({column}, '')") } else { column.to_owned() };
            conditions.push(format!("{column} = ANY ({}::text[])", values.bind(any_of.to_vec())));
        }
    }
    if !keys.none_of.is_empty() {
        let none_of = values.bind(keys.none_of.clone());
        conditions.push(format!("coalesce({column}, '') <> ALL ({none_of}::text[])"));
    }
    conditions
}

/// Returns the conditions on a column with an array of texts. An empty array counts as `""`.
pub(super) fn on_array(column: &str, keys: &KeyFilter, values: &mut Values) -> Vec<String> {
    let mut conditions = Vec::new();
    if !keys.any_of.is_empty() {
        conditions.push(overlap(column, &keys.any_of, values));
    }
    if !keys.none_of.is_empty() {
        conditions.push(format!("NOT {}", overlap(column, &keys.none_of, values)));
    }
    conditions
}

fn overlap(column: &str, keys: &[String], values: &mut Values) -> String {
    let named: Vec<String> = keys.iter().filter(|key| !key.is_empty()).cloned().collect();
    let has_none = named.len() < keys.len();
    let is_none = format!("{column} = '{{}}'");
    match named.as_slice() {
        [] => is_none,
        [only] if !has_none => format!("{}::text = ANY ({column})", values.bind(only.clone())),
        named => {
            let overlaps = format!("{column} && {}::text[]", values.bind(named.to_vec()));
            if has_none { format!("({is_none} OR {overlaps})") } else { format!("({overlaps})") }
        }
    }
}

/// Returns the conditions on a column with an enum, whose values are given as text.
pub(super) fn on_enum(column: &str, sql_type: &str, keys: &KeyFilter, values: &mut Values) -> Vec<String> {
    let mut conditions = Vec::new();
    if !keys.any_of.is_empty() {
        let any_of = values.bind(keys.any_of.clone());
        conditions.push(format!("{column} = ANY ({any_of}::text[]::{sql_type}[])"));
    }
    if !keys.none_of.is_empty() {
        let none_of = values.bind(keys.none_of.clone());
        conditions.push(format!("{column} <> ALL ({none_of}::text[]::{sql_type}[])"));
    }
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(any_of: &[&str], none_of: &[&str]) -> KeyFilter {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        KeyFilter::new(&owned(any_of), &owned(none_of))
    }

    fn check(any_of: &[&str], none_of: &[&str], column: &str, array: &str) {
        let keys = keys(any_of, none_of);
        assert_eq!(on_column("c", &keys, &mut Values::default()).join(" AND "), column);
        assert_eq!(on_array("c", &keys, &mut Values::default()).join(" AND "), array);
    }

    #[test]
    fn conditions_say_any_of_these_and_none_of_those() {
        check(&[], &[], "", "");
        check(&["a"], &[], "c = $1::text", "$1::text = ANY (c)");
        check(&["a", "a"], &[], "c = $1::text", "$1::text = ANY (c)");
        check(&[""], &[], "coalesce(c, '') = ''", "c = '{}'");
        check(&["a", "b"], &[], "c = ANY ($1::text[])", "(c && $1::text[])");
        check(&["", "b"], &[], "coalesce(c, '') = ANY ($1::text[])", "(c = '{}' OR c && $1::text[])");
        check(&[], &["a"], "coalesce(c, '') <> ALL ($1::text[])", "NOT $1::text = ANY (c)");
        check(&[], &[""], "coalesce(c, '') <> ALL ($1::text[])", "NOT c = '{}'");
        check(
            &["a"],
            &["b", ""],
            "c = $1::text AND coalesce(c, '') <> ALL ($2::text[])",
            "$1::text = ANY (c) AND NOT (c = '{}' OR c && $2::text[])",
        );
        let both = on_enum("c", "mood", &keys(&["x"], &["y"]), &mut Values::default());
        assert_eq!(both, ["c = ANY ($1::text[]::mood[])", "c <> ALL ($2::text[]::mood[])"]);
    }
}
