import { AUDIT_ACTIONS } from '@/api/identity';
import { capitalize } from '@/lib/format';

/** What the audit log is filtered by, under the API's names and all of it in the URL. */
export interface AuditFilter {
  actor?: string;
  action?: string;
  object?: string;
  from?: string;
  to?: string;
}

const KEYS = ['actor', 'action', 'object', 'from', 'to'] as const;

/** Parses search parameters, ignoring empty and invalid ones. */
export function parseFilter(search: Record<string, unknown>): AuditFilter {
  const filter: AuditFilter = {};
  for (const key of KEYS) {
    const value = search[key];
    if (typeof value === 'string' && isValid(key, value)) filter[key] = value;
  }
  return filter;
}

function isValid(key: (typeof KEYS)[number], value: string): boolean {
  if (key === 'action') return AUDIT_ACTIONS.some((action) => action === value);
  if (key === 'from' || key === 'to') return !Number.isNaN(Date.parse(value));
  return value.trim() !== '';
}

/** The actions to choose from. */
export const ACTION_OPTIONS = AUDIT_ACTIONS.map((value) => ({ value, text: nameAction(value) }));

/** `Alert rule created`. */
export function nameAction(action: string): string {
  return capitalize(action.replaceAll('_', ' '));
}

/** What the form has, with the times of this browser's zone. */
export type AuditDraft = Record<(typeof KEYS)[number], string>;

export function toDraft(filter: AuditFilter): AuditDraft {
  const { actor = '', action = '', object = '', from, to } = filter;
  return { actor, action, object, from: toLocal(from), to: toLocal(to) };
}

/** Converts a draft, leaving out what is empty. */
export function readDraft({ actor, action, object, from, to }: AuditDraft): AuditFilter {
  return parseFilter({
    ...{ actor: actor.trim(), action, object: object.trim() },
    ...{ from: fromLocal(from), to: fromLocal(to) },
  });
}

/** Converts a time of the API to one of a `datetime-local` field, in this browser's zone. */
export function toLocal(at: string | undefined): string {
  if (at === undefined) return '';
  const date = new Date(at);
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** Converts the value of such a field to a time of the API; undefined if it is empty. */
export function fromLocal(value: string): string | undefined {
  return value === '' ? undefined : new Date(value).toISOString();
}
