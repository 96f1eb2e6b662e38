import {
  RULE_DIMENSIONS,
  type NewRule,
  type Rule,
  type RuleDimension,
  type Severity,
} from '@/features/alerts/api/wire';
import { UNITS, unitOf } from '@/features/alerts/rules/metrics';
import type { Problems } from '@/lib/use-editor';

/** A rule in the form: numbers as typed, in display units. */
export interface RuleDraft {
  name: string;
  enabled: boolean;
  metric: string;
  dimension: RuleDimension;
  /** Empty to watch every key of the dimension. */
  key: string;
  /** The key without any posts that the person confirmed. */
  confirmedKey: string;
  comparison: 'above' | 'below';
  threshold: string;
  clearThreshold: string;
  windowSeconds: number;
  minimumVolume: string;
  forSeconds: number;
  keepFiringSeconds: number;
  cooldownSeconds: number;
  severity: Severity;
  channels: string[];
}

export const NEW_DRAFT: RuleDraft = {
  name: '',
  enabled: true,
  metric: 'negative_share',
  dimension: 'product',
  key: '',
  confirmedKey: '',
  comparison: 'above',
  threshold: '50',
  clearThreshold: '45',
  windowSeconds: 300,
  minimumVolume: '30',
  forSeconds: 60,
  keepFiringSeconds: 60,
  cooldownSeconds: 3_600,
  severity: 'warning',
  channels: [],
};

/** Whether this is the built-in rule that checks individual posts; it has no minimum volume and no pending period. */
export function checksSinglePosts({ builtin, metric }: Rule): boolean {
  return builtin && metric === 'churn_high';
}

const DAY_SECONDS = 86_400;

export function toDraft(rule: Rule): RuleDraft {
  const { scale } = UNITS[unitOf(rule.metric)];
  const shown = (value: number) => String(Number((value / scale).toFixed(6)));
  return {
    name: rule.name,
    enabled: rule.enabled,
    metric: rule.metric,
    dimension: RULE_DIMENSIONS.find((known) => known === rule.scope.dimension) ?? 'overall',
    key: rule.scope.key ?? '',
    confirmedKey: rule.scope.key ?? '',
    comparison: rule.comparison,
    threshold: shown(rule.threshold),
    clearThreshold: shown(rule.clear_threshold ?? rule.threshold),
    windowSeconds: rule.window_seconds,
    minimumVolume: String(rule.minimum_volume),
    forSeconds: rule.for_seconds,
    keepFiringSeconds: rule.keep_firing_seconds,
    cooldownSeconds: rule.cooldown_seconds,
    severity: rule.severity,
    channels: rule.channels,
  };
}

/** Converts a draft to a rule and lists what is wrong with it. */
export function readDraft(draft: RuleDraft): { value: NewRule; problems: Problems } {
  const unit = UNITS[unitOf(draft.metric)];
  const [threshold, clear] = [toNumber(draft.threshold), toNumber(draft.clearThreshold)];
  const volume = toNumber(draft.minimumVolume);
  const problems: Problems = {};
  if (draft.name.trim() === '') problems['name'] = 'Enter a name.';
  if (!isWithin(threshold, unit.least, unit.most)) {
    problems['threshold'] = `Must be ${unit.range}.`;
  }
  if (!isWithin(clear, unit.least, unit.most)) {
    problems['clear_threshold'] = `Must be ${unit.range}.`;
  } else if (draft.comparison === 'above' ? clear > threshold : clear < threshold) {
    problems['clear_threshold'] =
      draft.comparison === 'above'
        ? 'Must be at or below the “Alert above” value; otherwise the alert could never resolve.'
        : 'Must be at or above the “Alert below” value; otherwise the alert could never resolve.';
  }
  if (!(Number.isInteger(volume) && volume >= 0)) {
    problems['minimum_volume'] = 'Enter a whole number, 0 or more.';
  }
  if (!isWithin(draft.windowSeconds, 10, DAY_SECONDS)) {
    problems['window_seconds'] = 'Must be between 10 seconds and 1 day.';
  }
  const waits = [
    ['for_seconds', draft.forSeconds],
    ['keep_firing_seconds', draft.keepFiringSeconds],
    ['cooldown_seconds', draft.cooldownSeconds],
  ] as const;
  for (const [field, seconds] of waits) {
    if (!isWithin(seconds, 0, DAY_SECONDS))
      problems[field] = 'Must be between 0 seconds and 1 day.';
  }
  const key = draft.key.trim();
  const value: NewRule = {
    name: draft.name.trim(),
    enabled: draft.enabled,
    metric: draft.metric,
    scope: {
      dimension: draft.dimension,
      key: draft.dimension === 'overall' || key === '' ? null : key,
    },
    window_seconds: draft.windowSeconds,
    comparison: draft.comparison,
    threshold: threshold * unit.scale,
    clear_threshold: clear * unit.scale,
    minimum_volume: volume,
    for_seconds: draft.forSeconds,
    keep_firing_seconds: draft.keepFiringSeconds,
    cooldown_seconds: draft.cooldownSeconds,
    severity: draft.severity,
    channels: draft.channels,
  };
  return { value, problems };
}

/** Changes the metric of a draft. Resets the thresholds if the unit changes. */
export function withMetric(draft: RuleDraft, metric: string): RuleDraft {
  if (unitOf(metric) === unitOf(draft.metric)) return { ...draft, metric };
  const [threshold, clearThreshold] = DEFAULT_THRESHOLDS[unitOf(metric)];
  return { ...draft, metric, comparison: 'above', threshold, clearThreshold };
}

const DEFAULT_THRESHOLDS = {
  percent: ['50', '45'],
  signed: ['0.5', '0.4'],
  posts: ['100', '80'],
  virality: ['80', '75'],
} as const;

/** Parses a typed number. An empty text is NaN rather than zero, and a comma is accepted as the decimal separator. */
function toNumber(text: string): number {
  const typed = text.trim().replace(',', '.').replace('−', '-');
  return typed === '' ? Number.NaN : Number(typed);
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
