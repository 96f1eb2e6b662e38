//! Schemas of structs with a flattened part.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{AdditionalProperties, AllOf, ArrayItems};
use utoipa::openapi::{Components, Object, RefOr, Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Merges each `allOf` that has a closed part into one open object.
///
/// A type that denies unknown fields is described as an object without additional properties. As a part of `allOf`, it
/// would reject the properties of the other parts, so no value could match.
pub(super) fn merge(components: &mut Components) {
    let named = components.schemas.clone();
    for schema in components.schemas.values_mut() {
        merge_within(schema, &named);
    }
}

fn merge_within(schema: &mut RefOr<Schema>, named: &Schemas) {
    let RefOr::T(schema) = schema else {
        return;
    };
    if let Schema::AllOf(parts) = schema
        && let Some(merged) = merged(parts, named)
    {
        *schema = merged.into();
    }
    let mut inner: Vec<&mut RefOr<Schema>> = match schema {
        Schema::Object(object) => object.properties.values_mut().collect(),
        Schema::OneOf(one_of) => one_of.items.iter_mut().collect(),
        Schema::AllOf(all_of) => all_of.items.iter_mut().collect(),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().collect(),
        Schema::Array(array) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => vec![&mut **items],
            ArrayItems::False => Vec::new(),
        },
        _ => Vec::new(),
    };
    for schema in &mut inner {
        merge_within(schema, named);
    }
}

/// Merges the parts into one object; returns `None` if no part is closed.
fn merged(parts: &AllOf, named: &Schemas) -> Option<Object> {
    let objects = parts.items.iter().map(|part| object(part, named)).collect::<Option<Vec<_>>>()?;
    if !objects.iter().any(|part| is_closed(part)) {
        return None;
    }
    let mut whole = Object::new();
    whole.description.clone_from(&parts.description);
    for part in objects {
        whole.required.extend(part.required.iter().cloned());
        whole.properties.extend(part.properties.clone());
    }
    Some(whole)
}

fn object<'a>(part: &'a RefOr<Schema>, named: &'a Schemas) -> Option<&'a Object> {
    match part {
        RefOr::T(Schema::Object(object)) => Some(object),
        RefOr::Ref(name) => object(named.get(name.ref_location.rsplit('/').next()?)?, named),
        RefOr::T(_) => None,
    }
}

fn is_closed(object: &Object) -> bool {
    matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)))
}
