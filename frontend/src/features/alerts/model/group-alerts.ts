import type { Alert } from '@/api/wire';
import { holdRows } from '@/features/alerts/model/hold-rows';
import { formatCount, formatKey } from '@/lib/format';

/** Alerts of one rule, or of one kind if no rule opened them, in one state. */
export interface AlertGroup {
  id: string;
  alerts: readonly Alert[];
  /** Whether the group is shown as one row that unfolds. */
  isFolded: boolean;
}

/** Two alerts take no more space than the row of their group. */
const FOLDED_MIN = 3;

/** Names in the title of a group. */
const NAMED = 2;

const KIND_NAMES: Record<Alert['rule'], string> = {
  negativity: 'negative share',
  churn: 'churn risk',
  spike: 'unusual change',
  virality: 'viral posts',
  threshold: 'threshold',
};

/** Groups alerts by rule and kind; each group stands where its first alert does. */
export function groupAlerts(alerts: readonly Alert[]): AlertGroup[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const id = [alert.state, alert.rule, alert.rule_id ?? ''].join(':');
    groups.set(id, [...(groups.get(id) ?? []), alert]);
  }
  return [...groups].map(([id, members]) => ({
    id,
    alerts: members,
    isFolded: members.length >= FOLDED_MIN,
  }));
}

/** Updates a group under the pointer: it neither folds nor unfolds, and its rows stay in place. */
export function holdGroup(held: AlertGroup, { alerts }: AlertGroup): AlertGroup {
  return { ...held, alerts: holdRows(held.alerts, alerts) };
}

/** `12 × Negative share: Swell App, Tide Card and 10 more`. */
export function describeGroup({ alerts }: AlertGroup): string {
  const [first] = alerts;
  if (first === undefined) return '';
  const what = first.rule_name ?? KIND_NAMES[first.rule];
  const names = [...new Set(alerts.map(nameOfScope))];
  const more = names.length - NAMED;
  const listed = names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `${formatCount(alerts.length)} × ${what}: ${listed}`;
}

function nameOfScope({ rule, scope: { dimension, key } }: Alert): string {
  if (dimension !== 'overall') return formatKey(key);
  // Churn is counted by product.
  return rule === 'churn' ? 'posts without a product' : 'all posts';
}
