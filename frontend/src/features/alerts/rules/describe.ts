import type { NewRule } from '@/features/alerts/api/wire';
import { formatMetric, nameMetric } from '@/features/alerts/rules/metrics';
import { formatDuration } from '@/lib/format';

/** Describes a rule in a sentence, without the full stop. */
export function describeRule(rule: NewRule): string {
  const { metric, comparison, threshold, window_seconds, for_seconds } = rule;
  const held = for_seconds > 0 ? `, held for ${formatDuration(for_seconds)}` : '';
  return `${nameMetric(metric)} ${describeScope(rule.scope)} ${comparison} ${formatMetric(metric, threshold)} over ${formatDuration(window_seconds)}${held}`;
}

export function describeScope({ dimension, key }: NewRule['scope']): string {
  if (dimension === 'overall') return 'across all posts';
  if (key) return dimension === 'city' ? `in ${key}` : `for ${key}`;
  return dimension === 'city' ? 'in each city' : `for each ${dimension}`;
}
