import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Rule } from '@/features/alerts/api/wire';
import { describeRule } from '@/features/alerts/rules/describe';
import {
  NEW_DRAFT,
  readDraft,
  toDraft,
  withMetric,
  type RuleDraft,
} from '@/features/alerts/rules/draft';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { describePreview, searchBehind } from '@/features/alerts/rules/preview-chart';
import { RulesPanel } from '@/features/alerts/rules/rules-panel';
import { answerFetch, renderWithQueries } from '@/testing/render';

const rule: Rule = {
  id: 'r1',
  name: 'Too negative',
  enabled: true,
  builtin: false,
  metric: 'negative_share',
  scope: { dimension: 'product', key: null },
  window_seconds: 300,
  comparison: 'above',
  threshold: 0.5,
  clear_threshold: 0.45,
  minimum_volume: 30,
  for_seconds: 60,
  keep_firing_seconds: 60,
  cooldown_seconds: 3_600,
  severity: 'warning',
  channels: [],
  created_at: '2026-01-01T00:00:00Z',
  created_by: null,
  updated_at: '2026-01-01T00:00:00Z',
  updated_by: null,
};

const draft = (changes: Partial<RuleDraft>): RuleDraft => ({
  ...NEW_DRAFT,
  name: 'A rule',
  ...changes,
});

test('editing a rule without changes keeps it as it is', () => {
  const { value: written, problems } = readDraft(toDraft(rule));
  expect(problems).toEqual({});
  expect(rule).toMatchObject(written);
});

test.each<[string, Partial<RuleDraft>, string]>([
  ['no name', { name: '  ' }, 'name'],
  ['no threshold', { threshold: '' }, 'threshold'],
  ['a share above 100%', { threshold: '120' }, 'threshold'],
  ['a clear threshold above the threshold', { clearThreshold: '60' }, 'clear_threshold'],
  ['a clear threshold below a lower threshold', { comparison: 'below' }, 'clear_threshold'],
  ['a fractional number of posts', { minimumVolume: '2.5' }, 'minimum_volume'],
  ['a window that is too short', { windowSeconds: 5 }, 'window_seconds'],
  ['a window that is not a number', { windowSeconds: Number.NaN }, 'window_seconds'],
  ['a cooldown of days', { cooldownSeconds: 90_000 }, 'cooldown_seconds'],
])('%s is rejected', (_, changes, field) => {
  expect(Object.keys(readDraft(draft(changes)).problems)).toEqual([field]);
});

test('shares are entered in percent, with a decimal point or comma', () => {
  expect(readDraft(draft({ threshold: '62,5' })).value.threshold).toBe(0.625);
});

test('an empty key watches every key, and the overall scope has none', () => {
  expect(readDraft(draft({ key: ' ' })).value.scope.key).toBeNull();
  const all = draft({ dimension: 'overall', key: 'McGregor' });
  expect(readDraft(all).value.scope).toEqual({ dimension: 'overall', key: null });
});

test('a metric with another unit resets the thresholds', () => {
  expect(withMetric(draft({}), 'toxicity').threshold).toBe('50');
  expect(withMetric(draft({}), 'volume').threshold).toBe('100');
  expect(readDraft(withMetric(draft({}), 'virality')).problems).toEqual({});
});

test.each([
  ['negative_share', 0.625, '62.5%'],
  ['sentiment_average', -0.2, '−0.20'],
  ['volume', 1, '1 post'],
  ['virality', 80.6, '81'],
  ['emotion:anger', 0.3, '30%'],
])('%s of %d reads %s', (metric, value, text) => {
  expect(formatMetric(metric, value)).toBe(text);
});

test('a rule reads as a sentence', () => {
  expect(describeRule(rule)).toBe(
    'Share of negative posts for each product above 50% over 5 minutes with at least 30 posts, held for 1 minute',
  );
  const city = { ...rule, scope: { dimension: 'city', key: 'Lagos' } as const, for_seconds: 0 };
  expect(describeRule(city)).toContain('Share of negative posts in Lagos above');
  const churn = { ...rule, metric: 'churn_high', threshold: 2, for_seconds: 0 };
  expect(describeRule(churn)).toBe(
    'More than 2 posts with high churn risk for each product in 5 minutes',
  );
  expect(describeRule({ ...churn, builtin: true })).toContain('5 minutes, and more than usual');
  const quiet = { ...churn, metric: 'volume', comparison: 'below' } as const;
  expect(describeRule(quiet)).toBe('Fewer than 2 posts for each product in 5 minutes');
});

test('a preview is described in a sentence', () => {
  const series = [{ at: '2026-01-01T00:00:00Z', value: 0.6, count: 40 }];
  const firing = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:12:00Z' };
  const preview = { series, firings: [firing, firing], seconds: 86_400 };
  expect(describePreview(preview)).toBe('The rule would have fired 2 times, for 24 min in total.');
  expect(describePreview({ ...preview, firings: [] })).toBe('The rule would not have fired.');
  expect(describePreview({ ...preview, series: [] })).toBe(
    'No matching posts in the last 24 hours.',
  );
});

const preview = {
  series: [{ at: '2026-01-01T00:00:00Z', value: 0.6, count: 40 }],
  firings: [],
  seconds: 86_400,
};

function open(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({
    '/api/v1/alert-rules': () => ({ items: [rule] }),
    '/api/v1/notification-channels': () => ({ items: [] }),
    'POST /api/v1/alert-rules/preview': () => preview,
    ...extra,
  });
  renderWithQueries(<RulesPanel />);
  return requests;
}

const changesIn = (requests: ReturnType<typeof open>) =>
  requests.filter(({ method, url }) => method !== 'GET' && !url.pathname.endsWith('/preview'));

test('a new rule is previewed before it is saved', async () => {
  const requests = open({
    'POST /api/v1/alert-rules': (_, body) => ({ ...rule, ...(body as object) }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'New rule' }));
  expect(
    await screen.findByRole('img', { name: /^Preview: The rule would not have fired/ }),
  ).toBeTruthy();
  await userEvent.type(screen.getByLabelText('Name'), 'Anger in Lagos');
  await userEvent.selectOptions(screen.getByLabelText('Metric'), 'emotion:anger');
  await userEvent.selectOptions(screen.getByLabelText('Scope'), 'city');
  await userEvent.type(screen.getByLabelText('City'), 'Lagos');
  await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(changesIn(requests)).toHaveLength(1);
  expect(changesIn(requests)[0]?.body).toMatchObject({
    name: 'Anger in Lagos',
    metric: 'emotion:anger',
    scope: { dimension: 'city', key: 'Lagos' },
    threshold: 0.5,
  });
});

test('a product that no post has named is saved only after confirmation', async () => {
  const requests = open({
    '/api/metrics/products': () => ({ items: [{ key: 'Harbor Pay' }, { key: '' }] }),
    '/api/metrics/overall': (url) => ({
      count: url.searchParams.get('product') === 'Harbor Pay' ? 12 : 0,
    }),
    'POST /api/v1/alert-rules': (_, body) => ({ ...rule, ...(body as object) }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'New rule' }));
  await userEvent.type(screen.getByLabelText('Name'), 'Typing error');
  const key = screen.getByLabelText('Product');
  await userEvent.type(key, 'Harbr Pay');
  await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
  await waitFor(() => expect(key.getAttribute('aria-invalid')).toBe('true'));
  expect(screen.getByText(/^No posts for the product “Harbr Pay”/)).toBeTruthy();
  expect(changesIn(requests)).toHaveLength(0);
  await userEvent.click(screen.getByRole('checkbox', { name: 'Use “Harbr Pay” anyway' }));
  await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(changesIn(requests)).toHaveLength(1);
});

test('the thresholds are named after what they do', async () => {
  open();
  await userEvent.click(await screen.findByRole('button', { name: 'New rule' }));
  expect(screen.getByLabelText('Alert above (%)')).toBeTruthy();
  expect(screen.getByLabelText('Resolve below (%)')).toBeTruthy();
  await userEvent.selectOptions(screen.getByLabelText('Alert when the value is'), 'below');
  expect(screen.getByLabelText('Alert below (%)')).toBeTruthy();
  expect(screen.getByLabelText('Resolve above (%)')).toBeTruthy();
});

test('an invalid rule is not sent, and focus moves to the invalid field', async () => {
  const requests = open();
  await userEvent.click(await screen.findByRole('button', { name: 'New rule' }));
  const name = screen.getByLabelText('Name');
  expect(screen.queryByText('Enter a name.')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
  expect(screen.getByText('Enter a name.')).toBeTruthy();
  await waitFor(() => expect(document.activeElement).toBe(name));
  expect(changesIn(requests)).toHaveLength(0);
});

test('a server error appears beside its field until it is changed', async () => {
  const error = {
    error: {
      code: 'missing_field',
      message: 'a rule on low volume needs one specific key; enter it',
      details: { field: 'scope.key' },
    },
  };
  open({
    'PUT /api/v1/alert-rules/r1': () => new Response(JSON.stringify(error), { status: 422 }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Edit Too negative' }));
  await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
  const key = screen.getByLabelText('Product');
  await waitFor(() => expect(key.getAttribute('aria-invalid')).toBe('true'));
  await waitFor(() => expect(document.activeElement).toBe(key));
  expect(screen.queryByText('The rule could not be saved.')).toBeNull();
  await userEvent.type(key, 'M');
  expect(key.getAttribute('aria-invalid')).toBeNull();
});

test('turning off a rule keeps its other fields', async () => {
  const requests = open({ 'PUT /api/v1/alert-rules/r1': () => ({ ...rule, enabled: false }) });
  await userEvent.click(await screen.findByRole('switch', { name: 'Enable Too negative' }));
  await waitFor(() => expect(changesIn(requests)).toHaveLength(1));
  expect(changesIn(requests)[0]?.body).toEqual(
    readDraft({ ...toDraft(rule), enabled: false }).value,
  );
});

test('a rule is deleted only after confirmation', async () => {
  const requests = open({
    'DELETE /api/v1/alert-rules/r1': () => new Response(null, { status: 204 }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Delete Too negative' }));
  const question = screen.getByRole('alertdialog');
  await userEvent.click(within(question).getByRole('button', { name: 'Cancel' }));
  expect(changesIn(requests)).toHaveLength(0);
  await userEvent.click(screen.getByRole('button', { name: 'Delete Too negative' }));
  await userEvent.click(
    within(screen.getByRole('alertdialog')).getByRole('button', { name: 'Delete' }),
  );
  await waitFor(() => expect(changesIn(requests)).toHaveLength(1));
});

test('the rule that checks single posts has disabled fields', async () => {
  const churn = { ...rule, builtin: true, metric: 'churn_high', minimum_volume: 0, for_seconds: 0 };
  open({ '/api/v1/alert-rules': () => ({ items: [churn] }) });
  await userEvent.click(await screen.findByRole('button', { name: 'Edit Too negative' }));
  const isOpen = (label: string) =>
    !screen.getByLabelText<HTMLInputElement | HTMLSelectElement>(label).disabled;
  for (const label of [
    'Metric',
    'Scope',
    'Alert when the value is',
    'Minimum posts',
    'Pending period',
  ]) {
    expect(isOpen(label), label).toBe(false);
  }
  expect(isOpen('Pending period: unit')).toBe(false);
  for (const label of ['Name', 'Window', 'Alert above (posts)', 'Severity', 'Cooldown']) {
    expect(isOpen(label), label).toBe(true);
  }
});

test('a form focuses its first field and returns focus when closed', async () => {
  open();
  const opener = await screen.findByRole('button', { name: 'New rule' });
  await userEvent.click(opener);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Name')));
  await userEvent.keyboard('{Escape}');
  await waitFor(() => expect(document.activeElement).toBe(opener));
});

test('a point of the preview links to the posts in its window', () => {
  const at = '2026-01-02T12:00:00Z';
  const harbor = { ...rule, scope: { dimension: 'product', key: 'Harbor Pay' } } as const;
  expect(searchBehind(harbor, at)).toEqual({
    from: '2026-01-02T11:55:00.000Z',
    to: at,
    product: 'Harbor Pay',
    label: 'negative',
  });
  const angry = {
    ...rule,
    metric: 'emotion:anger',
    scope: { dimension: 'overall', key: null },
  } as const;
  expect(searchBehind(angry, at)).toMatchObject({ emotion: 'anger' });
  expect(searchBehind({ ...angry, metric: 'volume' }, at)).not.toHaveProperty('overall');
});
