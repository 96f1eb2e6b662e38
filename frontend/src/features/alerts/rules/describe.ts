import type { NewRule } from '@/features/alerts/api/wire';
import { formatMetric, nameMetric, unitOf } from '@/features/alerts/rules/metrics';
import { formatDuration, formatPosts } from '@/lib/format';

/**
 * Describes a rule in a sentence, without the full stop.
 *
 * The built-in rule about churn also compares with the usual share, unless it asks for every post.
 */
export function describeRule(rule: NewRule & { builtin?: boolean }): string {
  const { metric, comparison, minimum_volume, window_seconds, for_seconds } = rule;
  const [scope, window] = [describeScope(rule.scope), formatDuration(window_seconds)];
  const held = for_seconds > 0 ? `, held for ${formatDuration(for_seconds)}` : '';
  const threshold = formatMetric(metric, rule.threshold);
  if (unitOf(metric) === 'posts') {
    const side = comparison === 'above' ? 'More than' : 'Fewer than';
    const which = metric === 'churn_high' ? ' with high churn risk' : '';
    const isCompared = rule.builtin === true && metric === 'churn_high' && rule.threshold >= 1;
    const usual = isCompared ? ', and more than usual' : '';
    return `${side} ${threshold}${which} ${scope} in ${window}${usual}${held}`;
  }
  const posts = minimum_volume > 1 ? ` with at least ${formatPosts(minimum_volume)}` : '';
  return `${nameMetric(metric)} ${scope} ${comparison} ${threshold} over ${window}${posts}${held}`;
}

export function describeScope({ dimension, key }: NewRule['scope']): string {
  if (dimension === 'overall') return 'across all posts';
  if (key) return dimension === 'city' ? `in ${key}` : `for ${key}`;
  return dimension === 'city' ? 'in each city' : `for each ${dimension}`;
}
