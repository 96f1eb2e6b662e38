//! Changes to the work on posts, and their effects.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{PostWork, TAGS_MAX, Tag, WorkField, WorkStatus};
use crate::models::new_post::Rejection;
use crate::models::person_name::PersonName;

/// Change to the work on a post. Absent fields keep their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkChange {
    /// Revision that the change is based on. If the work has changed since, the change is not applied. Without a
    /// revision, it always applies.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub revision: Option<i64>,
    /// New status.
    #[serde(default)]
    pub status: Option<WorkStatus>,
    /// Whether the post needs an answer.
    #[serde(default)]
    pub needs_answer: Option<bool>,
    /// Person to assign the post to; null to unassign it. Assigning a post marks it as needing an answer, unless its
    /// work is finished or the change sets `needs_answer`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PersonName>)]
    pub assignee: Option<Option<PersonName>>,
    /// Tags to add, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub add_tags: Vec<Tag>,
    /// Tags to remove, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub remove_tags: Vec<Tag>,
}

/// Deserializes a field that is present, whether it is null or a value. An absent field gets its default instead.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// One field that a change alters, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Field that changes.
    pub field: WorkField,
    /// Value before; `None` if there was none.
    pub before: Option<String>,
    /// Value after; `None` if there is none.
    pub after: Option<String>,
}

/// Reason why a change was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The work has changed since the revision that the change is based on.
    Conflict,
    /// The post would have more than [`TAGS_MAX`] tags.
    TooManyTags,
}

impl WorkChange {
    /// Validates the change.
    ///
    /// # Errors
    /// If a field is invalid.
    pub fn check(&self) -> Result<(), Rejection> {
        let reject = |field: &str, message: &str| {
            let (field, message) = (field.to_owned(), message.to_owned());
            Err(Rejection { code: "invalid_field", field, message })
        };
        if self.revision.is_some_and(i64::is_negative) {
            return reject("revision", "must not be negative");
        }
        for (field, tags) in [("add_tags", &self.add_tags), ("remove_tags", &self.remove_tags)] {
            if tags.len() > TAGS_MAX {
                return reject(field, "at most 20 tags are allowed");
            }
        }
        if self.add_tags.iter().any(|tag| self.remove_tags.contains(tag)) {
            return reject("remove_tags", "a tag cannot be both added and removed");
        }
        if (Self { revision: self.revision, ..Self::default() }) == *self {
            return reject("", "the change must set at least one field");
        }
        Ok(())
    }

    /// Returns the work after the change and the resulting edits. The revision is not increased.
    ///
    /// A change that is already in effect results in no edits and never conflicts, so sending it again is safe.
    ///
    /// # Errors
    /// If the change is based on another revision, or adds too many tags.
    pub fn apply(&self, work: &PostWork) -> Result<(PostWork, Vec<Edit>), Refusal> {
        let mut next = work.clone();
        if let Some(status) = self.status {
            next.status = status;
        }
        if let Some(assignee) = &self.assignee {
            next.assignee = assignee.as_ref().map(|name| name.as_str().to_owned());
            next.needs_answer |= next.assignee.is_some() && !next.status.is_finished();
        }
        if let Some(needs_answer) = self.needs_answer {
            next.needs_answer = needs_answer;
        }
        next.tags.retain(|tag| self.remove_tags.iter().all(|removed| removed.as_str() != tag));
        next.tags.extend(self.add_tags.iter().map(|tag| tag.as_str().to_owned()));
        next.tags.sort_unstable();
        next.tags.dedup();
        let edits = edits(work, &next);
        if !edits.is_empty() && self.revision.is_some_and(|revision| revision != work.revision) {
            return Err(Refusal::Conflict);
        }
        if next.tags.len() > TAGS_MAX {
            return Err(Refusal::TooManyTags);
        }
        Ok((next, edits))
    }
}

/// Returns the differences between two states of the work on a post.
fn edits(before: &PostWork, after: &PostWork) -> Vec<Edit> {
    let edit = |field, before: Option<&str>, after: Option<&str>| Edit {
        field,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let changed = |field, before, after| (before != after).then(|| edit(field, before, after));
    let name = |needs_answer| Some(if needs_answer { "true" } else { "false" });
    let fields = [
        changed(WorkField::Status, Some(before.status.as_str()), Some(after.status.as_str())),
        changed(WorkField::Assignee, before.assignee.as_deref(), after.assignee.as_deref()),
        changed(WorkField::NeedsAnswer, name(before.needs_answer), name(after.needs_answer)),
    ];
    let removed = before.tags.iter().filter(|tag| !after.tags.contains(tag));
    let added = after.tags.iter().filter(|tag| !before.tags.contains(tag));
    fields
        .into_iter()
        .flatten()
        .chain(removed.map(|tag| edit(WorkField::Tag, Some(tag), None)))
        .chain(added.map(|tag| edit(WorkField::Tag, None, Some(tag))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::PostId;

    fn change(json: &str) -> WorkChange {
        serde_json::from_str(json).unwrap()
    }

    /// Returns work at revision 3 with the tags `a` and `b`, assigned to Bob.
    fn work() -> PostWork {
        PostWork {
            assignee: Some("Bob".to_owned()),
            tags: vec!["a".to_owned(), "b".to_owned()],
            revision: 3,
            ..PostWork::untouched(PostId::from_u128(1))
        }
    }

    fn check(json: &str, expected: &[(WorkField, Option<&str>, Option<&str>)]) {
        let (_, edits) = change(json).apply(&work()).unwrap();
        let edits: Vec<_> =
            edits.iter().map(|edit| (edit.field, edit.before.as_deref(), edit.after.as_deref())).collect();
        assert_eq!(edits, expected, "{json}");
    }

    #[test]
    fn a_change_alters_only_what_it_names() {
        use WorkField::{Assignee, NeedsAnswer, Status, Tag};
        check(r#"{"status":"answered"}"#, &[(Status, Some("open"), Some("answered"))]);
        check(r#"{"assignee":null}"#, &[(Assignee, Some("Bob"), None)]);
        check(
            r#"{"assignee":"Ana"}"#,
            &[(Assignee, Some("Bob"), Some("Ana")), (NeedsAnswer, Some("false"), Some("true"))],
        );
        check(r#"{"assignee":"Ana","needs_answer":false}"#, &[(Assignee, Some("Bob"), Some("Ana"))]);
        check(
            r#"{"assignee":"Ana","status":"closed"}"#,
            &[(Status, Some("open"), Some("closed")), (Assignee, Some("Bob"), Some("Ana"))],
        );
        check(
            r##"{"add_tags":["#C","a"],"remove_tags":["B","z"]}"##,
            &[(Tag, Some("b"), None), (Tag, None, Some("c"))],
        );
        check(r#"{"status":"open","add_tags":["a"]}"#, &[]);
    }

    #[test]
    fn a_change_of_another_revision_is_refused_unless_it_is_already_in_effect() {
        let outcome = |json: &str| change(json).apply(&work()).err();
        assert_eq!(outcome(r#"{"revision":3,"status":"closed"}"#), None);
        assert_eq!(outcome(r#"{"revision":2,"status":"closed"}"#), Some(Refusal::Conflict));
        assert_eq!(outcome(r#"{"revision":2,"status":"open"}"#), None);
    }

    #[test]
    fn the_number_of_tags_is_limited() {
        let many = |n: usize| (0..n).map(|n| format!("t{n}").parse().unwrap()).collect();
        let add = |n| WorkChange { add_tags: many(n), ..WorkChange::default() };
        assert!(add(18).apply(&work()).is_ok());
        assert_eq!(add(19).apply(&work()).unwrap_err(), Refusal::TooManyTags);
        assert_eq!(add(21).check().unwrap_err().field, "add_tags");
    }

    #[test]
    fn a_change_must_change_something_and_not_contradict_itself() {
        let field = |json: &str| change(json).check().err().map(|rejection| rejection.field);
        assert_eq!(field("{}"), Some(String::new()));
        assert_eq!(field(r#"{"revision":1}"#), Some(String::new()));
        assert_eq!(field(r#"{"assignee":null}"#), None);
        assert_eq!(field(r#"{"add_tags":["A"],"remove_tags":["a"]}"#), Some("remove_tags".to_owned()));
        assert!(serde_json::from_str::<WorkChange>(r#"{"assignee":""}"#).is_err());
        assert!(serde_json::from_str::<WorkChange>(r#"{"owner":"Ana"}"#).is_err());
    }
}
