import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { at, openPage } from '@/features/alerts/testing';
import { sampleAlert } from '@/testing/samples';

test('an alert shows its evidence, terms, posts and history, with links to Explore', async () => {
  const post = {
    uuid: 'p1',
    text: 'charged twice',
    platform: 'web',
    source: 'http',
    churn_risk: 0.9,
  };
  const point = { at: at(0), value: 40, baseline: 10, low: 5, high: 15 };
  openPage(
    {},
    {
      '/api/v1/alerts/alert-1': () => ({
        ...sampleAlert({ posts: [post], metric: 'volume' }),
        evidence: { series: [point], terms: [{ term: 'refund', count: 41, expected: 3.2 }] },
        history: [{ at: at(0), phase: 'firing', value: 40 }],
      }),
    },
  );
  await userEvent.click(await screen.findByRole('button', { name: sampleAlert().title }));
  const sheet = await screen.findByRole('dialog', { name: sampleAlert().title });
  expect(await within(sheet).findByRole('img', { name: /^Evidence: 1 of 1 steps/ })).toBeTruthy();
  const term = within(sheet).getByRole('link', { name: 'refund' });
  expect(term.getAttribute('href')).toContain('product=Mayweather&q=refund');
  const opened = within(sheet).getByRole('link', { name: 'View post' });
  expect(opened.getAttribute('href')).toContain('post=p1');
  expect(within(sheet).getByText('Opened')).toBeTruthy();
  await userEvent.keyboard('{Escape}');
  expect(screen.queryByRole('dialog')).toBeNull();
});

const details = {
  ...sampleAlert({ metric: 'negative_share', value: 0.743 }),
  evidence: {
    series: [{ at: at(0), value: 0.52, baseline: 0.3, low: 0, high: 0.5 }],
    terms: [],
  },
  measured: {
    opening: { at: at(0), value: 0.52, count: 25 },
    peak: { at: at(30_000), value: 0.81, count: 36 },
    latest: { at: at(60_000), value: 0.743, count: 31 },
  },
  history: [
    { at: at(0), phase: 'firing', value: 0.52 },
    { at: at(3_000), action: 'notified', channel: 'Ops', value: 0.52 },
    { at: at(9_000), action: 'notification_failed', channel: 'Mail', value: 0.52 },
    { at: at(60_000), action: 'acknowledged', value: 0.7 },
    { at: at(70_000), action: 'commented', comment: 'refunds are out', value: 0.7 },
  ],
};

test('the details say what the value was at the opening and at the peak, and what it is now', async () => {
  openPage({ alert: 'alert-1' }, { '/api/v1/alerts/alert-1': () => details });
  const sheet = await screen.findByRole('dialog', { name: details.title });
  const figure = (name: string) => within(sheet).getByText(name).nextElementSibling?.textContent;
  expect(figure('At opening')).toBe('52%');
  expect(figure('Peak')).toBe('81%');
  expect(figure('Now')).toBe('74.3%');
  expect(figure('Threshold')).toBe('50%');
  // The chart ends with the opening, at the same value.
  const chart = within(sheet).getByRole('img', { name: /latest 52%/ });
  expect(chart.closest('section')?.textContent).toContain('Leading up to the alert');
});

test('an old alert whose values are unknown states none', async () => {
  const history = [{ at: at(0), phase: 'firing' }];
  const old = {
    ...details,
    evidence: undefined,
    measured: { latest: details.measured.latest },
    history,
  };
  openPage({ alert: 'alert-1' }, { '/api/v1/alerts/alert-1': () => old });
  const sheet = await screen.findByRole('dialog', { name: details.title });
  expect(within(sheet).queryByText('At opening')).toBeNull();
  expect(within(sheet).getByText('Opened').closest('li')?.textContent).not.toContain('%');
});

test('an alert with many posts shows a few at first', async () => {
  const posts = Array.from({ length: 20 }, (_, i) => ({
    uuid: `p${i}`,
    text: `charged twice ${i}`,
    platform: 'web',
    source: 'http',
    churn_risk: 0.1,
  }));
  openPage(
    { alert: 'alert-1' },
    { '/api/v1/alerts/alert-1': () => ({ ...details, rule_id: 'r1', posts }) },
  );
  const list = await screen.findByRole('list', { name: 'Posts behind this alert' });
  expect(within(list).getAllByRole('listitem')).toHaveLength(5);
  expect(list.closest('section')?.textContent).toContain('when it opened');
  await userEvent.click(screen.getByRole('button', { name: 'Show all 20 posts' }));
  expect(within(list).getAllByRole('listitem')).toHaveLength(20);
});

test('the history says who was notified, and takes comments', async () => {
  const requests = openPage(
    { alert: 'alert-1' },
    {
      '/api/v1/alerts/alert-1': () => details,
      'POST /api/v1/alerts/alert-1/comments': () => ({ at: at(0), action: 'commented', value: 0 }),
    },
  );
  const history = await screen.findByRole('list', { name: 'History' });
  for (const text of [
    'Opened',
    'Notified via Ops',
    'Could not notify via Mail',
    'refunds are out',
  ]) {
    expect(within(history).getByText(text)).toBeTruthy();
  }
  const field = screen.getByLabelText<HTMLTextAreaElement>('Comment');
  const add = screen.getByRole<HTMLButtonElement>('button', { name: 'Add comment' });
  expect(add.disabled).toBe(true);
  await userEvent.type(field, ' on it ');
  await userEvent.click(add);
  await waitFor(() => expect(field.value).toBe(''));
  expect(requests.find(({ method }) => method === 'POST')?.body).toEqual({ text: 'on it' });
});
