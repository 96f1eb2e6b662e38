import type { Alert } from '@/api/wire';
import {
  RULE_DIMENSIONS,
  SEVERITIES,
  type NewSilence,
  type Rule,
  type Silence,
} from '@/features/alerts/api/wire';
import type { Problems } from '@/lib/use-editor';
import { fromWallClock, localZone } from '@/lib/zone';

export const SILENCE_PRESETS = [
  { seconds: 1_800, text: '30 min' },
  { seconds: 7_200, text: '2 h' },
  { seconds: 28_800, text: '8 h' },
  { seconds: 86_400, text: '1 day' },
  { seconds: 604_800, text: '1 week' },
] as const;

/** A silence in the form. */
export interface SilenceDraft {
  ruleId: string;
  dimension: string;
  key: string;
  /** Whether an empty key is meant. */
  isEveryKey: boolean;
  /** The key without any posts that the person confirmed. */
  confirmedKey: string;
  severity: string;
  comment: string;
  /** The start as the value of a `datetime-local` input, in the browser's time zone; null starts at once. */
  startsAt: string | null;
  seconds: number;
  /** Whether a silence of all alerts is meant. */
  isEverything: boolean;
}

export const NEW_SILENCE: SilenceDraft = {
  ruleId: '',
  dimension: '',
  key: '',
  isEveryKey: false,
  confirmedKey: '',
  severity: '',
  comment: '',
  startsAt: null,
  seconds: 7_200,
  isEverything: false,
};

/** Whether the dimension is divided into keys. */
export function hasKeys(dimension: string): boolean {
  return dimension !== '' && dimension !== 'overall';
}

/** Whether the silence has no condition, so that it matches every alert. */
export function matchesEverything({ ruleId, dimension, severity }: SilenceDraft): boolean {
  return ruleId === '' && dimension === '' && severity === '';
}

/** Converts a draft to a silence and lists what is wrong with it. Without a start time it starts when the server stores it. */
export function readSilence(
  draft: SilenceDraft,
  now: number,
): { value: NewSilence; problems: Problems } {
  const dimension = RULE_DIMENSIONS.find((known) => known === draft.dimension);
  const severity = SEVERITIES.find((known) => known === draft.severity);
  const key = draft.isEveryKey || !hasKeys(draft.dimension) ? '' : draft.key.trim();
  const startsAt = draft.startsAt === null ? null : fromWallClock(draft.startsAt, localZone());
  const start = startsAt === null ? now : Date.parse(startsAt);
  const problems: Problems = {};
  if (draft.startsAt !== null && startsAt === null) {
    problems['starts_at'] = 'Enter a date and a time.';
  } else if (start < now) {
    problems['starts_at'] = 'Must be in the future. To start at once, choose “Now”.';
  }
  if (!(draft.seconds > 0)) problems['ends_at'] = 'Choose a duration.';
  if (hasKeys(draft.dimension) && key === '' && !draft.isEveryKey) {
    problems['key'] = `Enter a ${draft.dimension}, or tick “Every ${draft.dimension}”.`;
  }
  if (matchesEverything(draft) && !draft.isEverything) {
    problems['everything'] = 'Choose a rule, scope or severity, or tick “Silence all alerts”.';
  }
  const value: NewSilence = {
    ...(draft.ruleId !== '' && { rule_id: draft.ruleId }),
    ...(dimension !== undefined && { dimension }),
    ...(key !== '' && { key }),
    ...(severity !== undefined && { severity }),
    ...(matchesEverything(draft) && { everything: draft.isEverything }),
    ...(startsAt !== null && { starts_at: startsAt }),
    ends_at: new Date(start + Math.max(0, draft.seconds || 0) * 1_000).toISOString(),
    comment: draft.comment.trim(),
  };
  return { value, problems };
}

/** Returns the silence of one alert, which starts at once: its rule, in its scope. A signal has no rule. */
export function silenceOf({ rule_id, scope, title }: Alert, seconds: number, now: number) {
  const { dimension, key } = scope;
  const silence: NewSilence = {
    ...(rule_id && { rule_id }),
    dimension,
    ...(hasKeys(dimension) && { key }),
    ends_at: new Date(now + seconds * 1_000).toISOString(),
    comment: `Created from the alert “${title}”`.slice(0, 500),
  };
  return silence;
}

/** Returns one silence for each rule and scope of the alerts, since several alerts may share both. */
export function silencesOf(alerts: readonly Alert[], seconds: number, now: number): NewSilence[] {
  const silences = new Map<string, NewSilence>();
  for (const alert of alerts) {
    const silence = silenceOf(alert, seconds, now);
    const what = targetOf(silence);
    if (!silences.has(what)) silences.set(what, silence);
  }
  return [...silences.values()];
}

/** Identifies the alerts that a silence of a rule in a scope matches. */
export function targetOf({ rule_id, dimension, key }: NewSilence): string {
  return JSON.stringify([rule_id, dimension, key]);
}

export type SilenceState = 'active' | 'upcoming' | 'expired';

/** Judges by the server's times where it can, because the browser's clock may be slow. */
export function stateOf({ starts_at, ends_at, created_at }: Silence, now: number): SilenceState {
  if (Date.parse(ends_at) <= now) return 'expired';
  const startedAtOnce = Date.parse(starts_at) <= Date.parse(created_at);
  return startedAtOnce || Date.parse(starts_at) <= now ? 'active' : 'upcoming';
}

/** Describes which alerts a silence matches. */
export function describeSilence(silence: NewSilence, rules: readonly Rule[]): string {
  const { rule_id, dimension, key, severity } = silence;
  const which = severity ? `${severity} alerts` : 'alerts';
  const about = !dimension
    ? ''
    : dimension === 'overall'
      ? ' with the scope “All posts”'
      : key
        ? ` for ${dimension} ${key}`
        : ` for every ${dimension}`;
  const rule = rules.find(({ id }) => id === rule_id)?.name;
  const by = !rule_id ? '' : rule ? ` from rule “${rule}”` : ' from a deleted rule';
  return about === '' && by === '' ? `All ${which}` : `${which}${about}${by}`;
}
