import { PLANS, ROLES, SCOPES, type Role, type Scope } from '@/api/identity';
import { capitalize } from '@/lib/format';

const options = <Value extends string>(values: readonly Value[]) =>
  values.map((value) => ({ value, text: capitalize(value) }));

/** The choices of forms. */
export const ROLE_OPTIONS = options(ROLES);
export const PLAN_OPTIONS = options(PLANS);

/** What somebody with a role may do. */
export const ROLE_MEANINGS: Record<Role, string> = {
  viewer: 'Reads everything and changes nothing.',
  analyst: 'Also changes labels, work on posts, alerts, rules, views, topics and reports.',
  admin: 'Also changes sources, notification channels, models, settings and accounts.',
};

/** What a credential with a scope is good for. */
export const SCOPE_MEANINGS: Record<Scope, string> = {
  read: 'Read posts, figures, alerts and settings.',
  ingest: 'Send posts.',
  write: 'Change what the team works with.',
  analyze: 'Have content scored and analyzed.',
  admin: 'Change the installation.',
};

/** The scopes that a role has; `src/models/principal.rs` has the same. */
const SCOPES_OF: Record<Role, readonly Scope[]> = {
  viewer: ['read', 'analyze'],
  analyst: ['read', 'ingest', 'write', 'analyze'],
  admin: SCOPES,
};

/** Returns the scopes that a role has. */
export function scopesOf(role: Role): readonly Scope[] {
  return SCOPES_OF[role];
}
