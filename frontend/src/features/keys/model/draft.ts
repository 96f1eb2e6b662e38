import type { ApiKey, Client, NewApiKey, NewClient, Plan, Role, Scope } from '@/api/identity';
import { scopesOf } from '@/lib/roles';
import type { Problems } from '@/lib/use-editor';

/** The server's limit, in characters. */
export const NAME_MAX = 100;

const DAY_SECONDS = 86_400;

/** How long a new key is valid, in days; `never` for one that does not expire. */
export const LIFETIMES = [
  { value: '30', text: '30 days' },
  { value: '90', text: '90 days' },
  { value: '365', text: '1 year' },
  { value: 'never', text: 'Never expires' },
] as const;

export type Lifetime = (typeof LIFETIMES)[number]['value'];

/** How long a key that is replaced stays valid, in seconds. */
export const OVERLAPS = [
  { value: '0', text: 'No time' },
  { value: '3600', text: '1 hour' },
  { value: String(DAY_SECONDS), text: '1 day' },
  { value: String(7 * DAY_SECONDS), text: '7 days' },
  { value: String(30 * DAY_SECONDS), text: '30 days' },
] as const;

export type Overlap = (typeof OVERLAPS)[number]['value'];

export interface KeyDraft {
  name: string;
  scopes: Scope[];
  lifetime: Lifetime;
}

/** Converts the draft of a key that is created at a time. */
export function readKey({ name, scopes, lifetime }: KeyDraft, now: number) {
  const expires_at = new Date(now + Number(lifetime) * DAY_SECONDS * 1_000);
  const value: NewApiKey = {
    name: name.trim(),
    scopes,
    ...(lifetime !== 'never' && { expires_at: expires_at.toISOString() }),
  };
  return { value, problems: problemsWith(value.name, scopes) };
}

export interface ClientDraft {
  name: string;
  role: Role;
  plan: Plan;
  scopes: Scope[];
}

/** Converts the draft of a client. Scopes beyond its role would grant nothing. */
export function readClient({ name, role, plan, scopes }: ClientDraft) {
  const among = scopesOf(role);
  const granted = scopes.filter((scope) => among.includes(scope));
  const value: NewClient = { name: name.trim(), role, plan, scopes: granted };
  return { value, problems: problemsWith(value.name, granted) };
}

function problemsWith(name: string, scopes: readonly Scope[]): Problems {
  const problems: Problems = {};
  if (name === '') problems['name'] = 'Enter a name.';
  else if ([...name].length > NAME_MAX) problems['name'] = `Use at most ${NAME_MAX} characters.`;
  if (scopes.length === 0) problems['scopes'] = 'Choose at least one scope.';
  return problems;
}

/** Whether something with an expiry and a revocation no longer opens anything. */
export function hasEnded(key: Pick<ApiKey, 'revoked_at' | 'expires_at'>, now: number): boolean {
  if (key.revoked_at != null) return true;
  return key.expires_at != null && Date.parse(key.expires_at) <= now;
}

/** Whether the previous secret of a client is still accepted. */
export function hasTwoSecrets({ previous_secret_expires_at }: Client, now: number): boolean {
  return previous_secret_expires_at != null && Date.parse(previous_secret_expires_at) > now;
}
