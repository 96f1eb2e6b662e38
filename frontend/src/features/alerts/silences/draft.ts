import {
  RULE_DIMENSIONS,
  SEVERITIES,
  type NewSilence,
  type Rule,
  type Silence,
} from '@/features/alerts/api/wire';

export const SILENCE_PRESETS = [
  { seconds: 1_800, text: '30 min' },
  { seconds: 7_200, text: '2 h' },
  { seconds: 28_800, text: '8 h' },
  { seconds: 86_400, text: '1 day' },
  { seconds: 604_800, text: '1 week' },
] as const;

export interface SilenceDraft {
  ruleId: string;
  dimension: string;
  key: string;
  severity: string;
  comment: string;
  seconds: number;
}

export const NEW_SILENCE: SilenceDraft = {
  ruleId: '',
  dimension: '',
  key: '',
  severity: '',
  comment: '',
  seconds: 7_200,
};

/** Converts a draft to a silence that starts at `now`. */
export function readSilence(draft: SilenceDraft, now: number): NewSilence {
  const dimension = RULE_DIMENSIONS.find((known) => known === draft.dimension);
  const severity = SEVERITIES.find((known) => known === draft.severity);
  const key = draft.key.trim();
  return {
    ...(draft.ruleId !== '' && { rule_id: draft.ruleId }),
    ...(dimension !== undefined && { dimension }),
    ...(dimension !== undefined && dimension !== 'overall' && key !== '' && { key }),
    ...(severity !== undefined && { severity }),
    starts_at: new Date(now).toISOString(),
    ends_at: new Date(now + draft.seconds * 1_000).toISOString(),
    comment: draft.comment.trim(),
  };
}

export type SilenceState = 'active' | 'upcoming' | 'expired';

export function stateOf({ starts_at, ends_at }: Silence, now: number): SilenceState {
  if (Date.parse(ends_at) <= now) return 'expired';
  return Date.parse(starts_at) > now ? 'upcoming' : 'active';
}

/** Describes which alerts a silence matches. */
export function describeSilence(silence: NewSilence, rules: readonly Rule[]): string {
  const { rule_id, dimension, key, severity } = silence;
  const which = severity ? `${severity} alerts` : 'alerts';
  const about = !dimension
    ? ''
    : dimension === 'overall'
      ? ' with overall scope'
      : key
        ? ` for ${dimension} ${key}`
        : ` for any ${dimension}`;
  const rule = rules.find(({ id }) => id === rule_id)?.name;
  const by = !rule_id ? '' : rule ? ` from rule “${rule}”` : ' from a deleted rule';
  return about === '' && by === '' ? `All ${which}` : `${which}${about}${by}`;
}
