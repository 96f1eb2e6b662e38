//! What an entry of the audit log says was done.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares the actions with the names under which they are stored, which never change.
macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $action:ident = $name:literal;)+) => {
        /// What was done. The names are stored and sent, and never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = AuditAction)]
        pub enum Action {
            $($(#[doc = $doc])+ $action,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$action,)+];

            /// Returns the name, as it is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)+
                }
            }
        }
    };
}

actions! {
    /// A person signed in.
    SignIn = "sign_in";
    /// A sign-in failed.
    SignInFailed = "sign_in_failed";
    /// A person signed out.
    SignOut = "sign_out";
    /// A session was ended by its owner or an administrator.
    SessionEnded = "session_ended";
    /// A password was changed or reset.
    PasswordChanged = "password_changed";
    /// A link to reset a password was requested.
    PasswordResetRequested = "password_reset_requested";
    /// A person was invited.
    InvitationCreated = "invitation_created";
    /// An invitation was revoked.
    InvitationRevoked = "invitation_revoked";
    /// An account was created.
    UserCreated = "user_created";
    /// An account was changed.
    UserChanged = "user_changed";
    /// An account was archived.
    UserDeleted = "user_deleted";
    /// The role of an account was changed.
    RoleChanged = "role_changed";
    /// An API key was created.
    KeyCreated = "key_created";
    /// An API key was replaced by a new one.
    KeyRotated = "key_rotated";
    /// An API key was revoked.
    KeyRevoked = "key_revoked";
    /// A client for machine access was created.
    ClientCreated = "client_created";
    /// The secret of a client was rotated.
    ClientSecretRotated = "client_secret_rotated";
    /// A client was revoked.
    ClientRevoked = "client_revoked";
    /// Tokens were issued.
    TokenIssued = "token_issued";
    /// A refresh token was used twice, so its family was revoked.
    TokenReused = "token_reused";
    /// Requests were refused because of a missing or insufficient credential.
    RequestsRefused = "requests_refused";
    /// An alert rule was created.
    AlertRuleCreated = "alert_rule_created";
    /// An alert rule was replaced.
    AlertRuleChanged = "alert_rule_changed";
    /// An alert rule was deleted.
    AlertRuleDeleted = "alert_rule_deleted";
    /// The settings for anomaly detection were changed.
    SignalSettingsChanged = "signal_settings_changed";
    /// A silence was created.
    SilenceCreated = "silence_created";
    /// A silence was ended.
    SilenceEnded = "silence_ended";
    /// A notification channel was created.
    ChannelCreated = "channel_created";
    /// A notification channel was replaced.
    ChannelChanged = "channel_changed";
    /// A notification channel was deleted.
    ChannelDeleted = "channel_deleted";
    /// The signing secret of a notification channel was rotated.
    ChannelSecretRotated = "channel_secret_rotated";
    /// The label of a post was corrected.
    LabelCorrected = "label_corrected";
    /// The correction of a label was removed.
    LabelRetracted = "label_retracted";
    /// The models were reloaded.
    ModelsReloaded = "models_reloaded";
    /// Posts were exported.
    PostsExported = "posts_exported";
    /// Corrected labels were exported.
    LabelsExported = "labels_exported";
    /// The audit log was exported.
    AuditExported = "audit_exported";
    /// A post was erased.
    PostErased = "post_erased";
    /// A source was created.
    SourceCreated = "source_created";
    /// A source was changed, paused, resumed or moved back in time.
    SourceChanged = "source_changed";
    /// A source was deleted.
    SourceDeleted = "source_deleted";
    /// The credentials of a source were replaced.
    SourceCredentialsReplaced = "source_credentials_replaced";
    /// The secret of a source was rotated.
    SourceSecretRotated = "source_secret_rotated";
    /// A share link was created.
    ShareLinkCreated = "share_link_created";
    /// A share link was revoked.
    ShareLinkRevoked = "share_link_revoked";
    /// A topic was created.
    TopicCreated = "topic_created";
    /// A topic was replaced.
    TopicChanged = "topic_changed";
    /// A topic was deleted.
    TopicDeleted = "topic_deleted";
    /// An entry vanished or was altered before it was chained.
    AuditTampered = "audit_tampered";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_sent_by_the_names_under_which_they_are_stored() {
        let mut names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
