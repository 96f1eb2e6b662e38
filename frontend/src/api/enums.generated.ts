/** Written by `npm run types` from `openapi.json`; do not edit. */
import type { Schemas } from '@/api/wire';

/** What was done. The names are stored and sent, and never change. */
export const AUDIT_ACTIONS = [
  'sign_in',
  'sign_in_failed',
  'sign_out',
  'session_ended',
  'password_changed',
  'password_reset_requested',
  'invitation_created',
  'invitation_revoked',
  'user_created',
  'user_changed',
  'user_deleted',
  'role_changed',
  'key_created',
  'key_rotated',
  'key_revoked',
  'client_created',
  'client_secret_rotated',
  'client_revoked',
  'token_issued',
  'token_reused',
  'requests_refused',
  'alert_rule_created',
  'alert_rule_changed',
  'alert_rule_deleted',
  'signal_settings_changed',
  'silence_created',
  'silence_ended',
  'channel_created',
  'channel_changed',
  'channel_deleted',
  'channel_secret_rotated',
  'label_corrected',
  'label_retracted',
  'models_reloaded',
  'posts_exported',
  'labels_exported',
  'audit_exported',
  'post_erased',
  'source_created',
  'source_changed',
  'source_deleted',
  'source_credentials_replaced',
  'source_secret_rotated',
  'share_link_created',
  'share_link_revoked',
  'topic_created',
  'topic_changed',
  'topic_deleted',
  'audit_tampered',
] as const satisfies Schemas['AuditAction'][];

/** How much an account may use. */
export const PLANS = ['free', 'pro', 'enterprise'] as const satisfies Schemas['Plan'][];

/** What a person may do. Each role includes those before it. */
export const ROLES = ['viewer', 'analyst', 'admin'] as const satisfies Schemas['Role'][];

/** One kind of access that a credential grants, within the role of its owner. */
export const SCOPES = [
  'read',
  'ingest',
  'write',
  'analyze',
  'admin',
] as const satisfies Schemas['AccessScope'][];

/** Network that posts come from. */
export const SOURCE_NETWORKS = [
  'bluesky',
  'feed',
  'mastodon',
  'reddit',
  'webhook',
  'x',
  'youtube',
] as const satisfies Schemas['SourceNetwork'][];
