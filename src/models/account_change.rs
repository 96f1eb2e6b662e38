//! Changes to accounts by an admin.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::account::User;
use super::person_name::PersonName;
use super::plan::Plan;
use super::principal::Role;

/// Change to an account. Absent fields keep their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// New role.
    #[serde(default)]
    pub role: Option<Role>,
    /// New plan.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Whether the person may sign in.
    #[serde(default)]
    pub is_active: Option<bool>,
    /// New display name; null to remove it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PersonName>)]
    pub name: Option<Option<PersonName>>,
}

/// Deserializes a field that is present, whether it is null or a value. An absent field gets its default instead.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

impl UserChange {
    /// Returns the account after the change.
    pub fn apply(&self, user: &User) -> User {
        User {
            role: self.role.unwrap_or(user.role),
            plan: self.plan.unwrap_or(user.plan),
            is_active: self.is_active.unwrap_or(user.is_active),
            name: self.name.clone().unwrap_or_else(|| user.name.clone()),
            ..user.clone()
        }
    }
}

/// Returns whether the account is one of those without which nobody could administer the installation.
pub fn is_active_admin(user: &User) -> bool {
    user.is_active && user.role == Role::Admin
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{from_value, json};

    use super::*;
    use crate::models::id::UserId;

    #[test]
    fn only_the_given_fields_change() {
        let user = User {
            id: UserId::from_u128(1),
            email: "ana@example.com".parse().unwrap(),
            name: Some("Ana".parse().unwrap()),
            plan: Plan::Pro,
            role: Role::Admin,
            is_active: true,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            last_sign_in_at: None,
        };
        let changed = |change| from_value::<UserChange>(change).unwrap().apply(&user);
        assert_eq!(changed(json!({})), user);
        assert_eq!(changed(json!({"name": null})), User { name: None, ..user.clone() });
        let demoted = changed(json!({"role": "analyst", "plan": "free"}));
        assert_eq!(demoted, User { role: Role::Analyst, plan: Plan::Free, ..user.clone() });
        let disabled = changed(json!({"is_active": false}));
        assert_eq!(disabled, User { is_active: false, ..user.clone() });
        assert!(is_active_admin(&user) && !is_active_admin(&demoted) && !is_active_admin(&disabled));
        assert!(from_value::<UserChange>(json!({"email": "bob@example.com"})).is_err());
        assert!(from_value::<UserChange>(json!({"role": null})).is_ok());
    }
}
