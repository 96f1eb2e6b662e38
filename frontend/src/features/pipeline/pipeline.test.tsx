import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { ServiceAlert, SystemStatus } from '@/api/wire';
import type { ErrorKind, ErrorOverview } from '@/features/pipeline/api/use-errors';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { SystemView } from '@/features/pipeline/components/system-view';
import { describeProblems } from '@/features/pipeline/model/problems';
import { handledPerSecond, newestOf, nextReadings } from '@/features/pipeline/model/throughput';
import { nextHistory } from '@/features/pipeline/model/history';
import { describeSwaps, describeTiers } from '@/features/pipeline/model/tiers';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { DEEP, NOON, sampleSystem, sampleTiers, SWIFT } from '@/testing/samples';

const [stage] = sampleSystem.stages;

/** The server's status after `ms`, with `handled` messages. */
function systemAfter(ms: number, handled: number): SystemStatus {
  const at = new Date(NOON + ms).toISOString();
  return { ...sampleSystem, at, stages: [{ ...stage!, handled }] };
}

const tiersWith = (swift: number, deep: number) => [
  { tier: 'swift', model: SWIFT, share: swift, posts: swift * 1_000 },
  { tier: 'deep', model: DEEP, share: deep, posts: deep * 1_000 },
];

const withoutDeep = (why: string) => ({
  budget_ms: 0,
  items: tiersWith(1, 0).slice(0, 1),
  without_deep: why,
});

test('a healthy server shows no banner', () => {
  const { container } = render(<HealthBanner system={sampleSystem} />);
  expect(container.textContent).toBe('');
});

test.each([
  ['Redis', { redis: { reachable: false }, stream: null }, 'Redis is unreachable'],
  ['PostgreSQL', { postgres: { reachable: false } }, 'PostgreSQL is unreachable'],
  [
    'a stage',
    { stages: [{ ...stage!, state: 'frozen' as const }] },
    'aggregator is not responding',
  ],
  [
    'a task',
    { tasks: [{ ...stage!, stage: 'listener', state: 'backing_off' as const }] },
    'listener crashed',
  ],
  [
    'the model',
    { model: { ...sampleSystem.model, name: 'lexicon', degraded: 'no weights' } },
    'lexicon',
  ],
  [
    'entries of tomorrow',
    { unknown_entries: [{ version: '2', kind: 'post', waiting: 7 }] },
    '7 stream entries (version 2, kind post)',
  ],
  ['one post', { stream: { length: 0, lag: 0, pending: 0, dead: 1 } }, '1 post could not'],
])('a problem with %s is described in a sentence', (_, changes, words) => {
  const problems = describeProblems({ ...sampleSystem, ...changes });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

const fullDisk: ServiceAlert = {
  id: '0190a1b2-0000-8000-8000-000000000000',
  condition: 'disk_nearly_full',
  severity: 'critical',
  title: 'The disk with the data folder is almost full',
  detail: '900 MiB free (0.9%). Free up space before Groundswell stops storing posts.',
  instance: 'host:8080',
  since: new Date(NOON - 120_000).toISOString(),
  opened_at: new Date(NOON - 105_000).toISOString(),
};

test('the banner includes service alerts that it does not already report', () => {
  const away: ServiceAlert = { ...fullDisk, condition: 'postgres_away', title: 'away' };
  const system = { ...sampleSystem, service_alerts: [fullDisk, away] };
  expect(describeProblems(system)).toEqual([
    'The disk with the data folder is almost full. 900 MiB free (0.9%). Free up space before Groundswell stops storing posts.',
  ]);
});

test('the System page lists service alerts and how many destinations they notify', () => {
  answerFetch({});
  const system = { ...sampleSystem, service_alerts: [fullDisk] };
  const { unmount } = renderWithQueries(<SystemView pushed={system} postsPerSecond={null} />);
  const panel = within(screen.getByRole('region', { name: 'Service alerts' }));
  expect(panel.getByText('The disk with the data folder is almost full')).toBeTruthy();
  expect(panel.getByText('1 destination is notified')).toBeTruthy();
  unmount();
  const unheard = { ...sampleSystem, service_alert_destinations: 0 };
  renderWithQueries(<SystemView pushed={unheard} postsPerSecond={null} />);
  expect(screen.getByText('no one is notified')).toBeTruthy();
  expect(screen.getByText('GROUNDSWELL_OPERATOR_CHANNELS')).toBeTruthy();
});

test('the System page lists the stages and background tasks', async () => {
  const tasks = [{ ...stage!, stage: 'listener' }];
  answerFetch({ '/api/v1/system': () => ({ ...sampleSystem, tasks }) });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={12.5} />);
  expect(await screen.findByRole('table', { name: 'Pipeline stages' })).toBeTruthy();
  expect(screen.getByText('aggregator')).toBeTruthy();
  expect(screen.getByRole('table', { name: 'Background tasks' })).toBeTruthy();
  expect(screen.getByText('listener')).toBeTruthy();
});

test('an unreachable server shows an error', async () => {
  answerFetch({});
  renderWithQueries(<SystemView pushed={null} postsPerSecond={12.5} />);
  expect((await screen.findByRole('alert')).textContent).toContain('no such call');
});

test('pushed figures are shown before the request is answered', () => {
  answerFetch({});
  renderWithQueries(<SystemView pushed={sampleSystem} postsPerSecond={null} />);
  expect(screen.getByRole('table', { name: 'Pipeline stages' })).toBeTruthy();
});

test('the later of the polled and the pushed status is shown', () => {
  const [early, late] = [systemAfter(0, 1), systemAfter(2_000, 2)];
  expect(newestOf(early, late)).toBe(late);
  expect(newestOf(late, early)).toBe(late);
  expect(newestOf(undefined, early)).toBe(early);
  expect(newestOf(early, null)).toBe(early);
  expect(newestOf(undefined, null)).toBeNull();
});

test('two readings of a counter give a rate', () => {
  const rates = handledPerSecond({ before: systemAfter(0, 100), now: systemAfter(2_000, 150) });
  expect(rates.get('aggregator')).toBe(25);
});

test.each([
  ['one reading alone', { before: null, now: systemAfter(0, 1) }],
  ['a counter that was reset', { before: systemAfter(0, 100), now: systemAfter(2_000, 5) }],
  ['two readings at the same time', { before: systemAfter(0, 1), now: systemAfter(0, 2) }],
  [
    'another process',
    { before: systemAfter(0, 1), now: { ...systemAfter(2_000, 9), started_at: 'later' } },
  ],
])('%s gives no rate', (_, readings) => {
  expect(handledPerSecond(readings).size).toBe(0);
});

test('readings that are too close do not replace earlier ones', () => {
  const readings = { before: systemAfter(0, 1), now: systemAfter(2_000, 2) };
  expect(nextReadings(readings, systemAfter(2_100, 3))).toBe(readings);
  const later = systemAfter(4_000, 3);
  expect(nextReadings(readings, later)).toEqual({ before: readings.now, now: later });
});

test.each([
  ['an overload', { overloaded: true }, 'Overloaded: posts arrive faster than'],
  ['an idle minute', { items: tiersWith(0, 0) }, 'Idle: no posts in the last 60 seconds.'],
  ['spare capacity', { items: tiersWith(0, 1) }, 'the deep model rescores every post'],
  ['a busy server', { items: tiersWith(0.66, 0.34) }, 'the deep model corrected 34%'],
  [
    'no budget',
    withoutDeep('the latency budget is 0'),
    'Only the swift model is scoring posts: the latency budget is 0.',
  ],
])('%s is described in a sentence', (_, changes, words) => {
  expect(describeTiers(sampleTiers(changes))).toContain(words);
});

test('a reload without changes says so', () => {
  const items = [{ tier: 'swift', before: SWIFT, after: SWIFT }];
  expect(describeSwaps({ items })).toEqual([expect.stringContaining('No changes')]);
});

test("the System page shows each tier's share and model, and the backlog", async () => {
  answerFetch({ '/api/v1/system': () => sampleSystem });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={20} />);
  const shares = await screen.findByRole('list', { name: 'Share by tier' });
  const said = within(shares)
    .getAllByRole('listitem')
    .map(({ textContent }) => textContent);
  expect(said).toEqual([
    'swift 75%900 postsswift 1 · abcdef',
    'deep 25%300 postsdeep 3 · 01234567',
  ]);
  expect(screen.getByText('Latency budget').nextSibling?.textContent).toBe('1 s');
  expect(screen.getByText('Awaiting correction').nextSibling?.textContent).toBe('12');
  expect(screen.getByText('Deep model capacity').nextSibling?.textContent).toBe('48.2 posts/s');
});

test('without a deep model, the page says why and hides the backlog', async () => {
  const tiers = sampleTiers(withoutDeep('`model.onnx` is not the file its manifest describes'));
  answerFetch({ '/api/v1/system': () => ({ ...sampleSystem, tiers }) });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={20} />);
  expect(await screen.findByText(/`model.onnx` is not the file its manifest/)).toBeTruthy();
  expect(screen.queryByText('Awaiting correction')).toBeNull();
});

/** Clicks “Reload models” and answers the confirmation. */
async function reload(answer: 'Reload' | 'Cancel') {
  await userEvent.click(await screen.findByRole('button', { name: 'Reload models' }));
  const question = await screen.findByRole('alertdialog', { name: 'Reload the models?' });
  await userEvent.click(within(question).getByRole('button', { name: answer }));
}

test('a reload asks for confirmation and says what it changed', async () => {
  const after = { name: 'deep', version: '4', hash: 'fedcba9876543210' };
  const items = [
    { tier: 'swift', before: SWIFT, after: SWIFT },
    { tier: 'deep', before: DEEP, after },
  ];
  const requests = answerFetch({
    '/api/v1/system': () => sampleSystem,
    '/api/v1/models/reload': () => ({ items }),
  });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={20} />);
  await reload('Cancel');
  expect(requests.some(({ method }) => method === 'POST')).toBe(false);
  await reload('Reload');
  const said = 'The deep tier changed from deep 3 · 01234567 to deep 4 · fedcba98.';
  expect(await screen.findByText(said)).toBeTruthy();
});

test('a rejected reload says why and that the current models stay in use', async () => {
  const error = {
    error: { code: 'model_invalid', message: 'the swift model is left as it was: cut short' },
  };
  answerFetch({
    '/api/v1/system': () => sampleSystem,
    '/api/v1/models/reload': () => new Response(JSON.stringify(error), { status: 422 }),
  });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={20} />);
  await reload('Reload');
  const said = await screen.findByText(/could not be reloaded/);
  expect(said.nextSibling?.textContent).toBe('The swift model is left as it was: cut short.');
});

test('a history keeps five minutes of distinct readings of one process', () => {
  const first = nextHistory([], systemAfter(0, 1), 5);
  expect(nextHistory(first, systemAfter(500, 2), 5)).toBe(first);
  const two = nextHistory(first, systemAfter(2_000, 2), 6);
  expect(two.map(({ postsPerSecond }) => postsPerSecond)).toEqual([5, 6]);
  const another = { ...systemAfter(4_000, 3), started_at: 'later' };
  expect(nextHistory(two, another, 7)).toHaveLength(1);
  let long = two;
  for (let i = 2; i < 400; i += 1) long = nextHistory(long, systemAfter(i * 2_000, i), 1);
  expect(long).toHaveLength(150);
});

const letter = {
  id: '17-0',
  reason: 'the text could not be stored',
  attempts: 3,
  original_id: '16-0',
  died_at: new Date(NOON).toISOString(),
  source: 'http',
  post: '{"text":"stubborn"}',
};

function openWithLetters(extra: Parameters<typeof answerFetch>[0] = {}) {
  const stream = { length: 0, lag: 0, pending: 0, dead: 2 };
  const requests = answerFetch({
    '/api/v1/system': () => ({ ...sampleSystem, stream }),
    '/api/v1/dead-letters': () => ({ items: [letter], next_cursor: null }),
    ...extra,
  });
  renderWithQueries(<SystemView pushed={null} postsPerSecond={1} />);
  return requests;
}

test('a dead letter shows its error and post and can be replayed alone', async () => {
  const requests = openWithLetters({ 'POST /api/v1/dead-letters/replay': () => ({ replayed: 1 }) });
  expect(await screen.findByText('The text could not be stored')).toBeTruthy();
  expect(screen.getByText('{"text":"stubborn"}')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Replay 17-0' }));
  expect(await screen.findByText('1 post replayed.')).toBeTruthy();
  expect(requests.find(({ method }) => method === 'POST')?.body).toEqual({ ids: ['17-0'] });
});

test('all dead letters are replayed only after confirmation', async () => {
  const requests = openWithLetters({ 'POST /api/v1/dead-letters/replay': () => ({ replayed: 2 }) });
  await userEvent.click(await screen.findByRole('button', { name: 'Replay all' }));
  const question = screen.getByRole('alertdialog', { name: 'Replay 2 posts?' });
  expect(requests.some(({ method }) => method === 'POST')).toBe(false);
  await userEvent.click(within(question).getByRole('button', { name: 'Replay all' }));
  expect(await screen.findByText('2 posts replayed.')).toBeTruthy();
  expect(requests.find(({ method }) => method === 'POST')?.body).toEqual({ all: true });
});

test('a rejected replay says why', async () => {
  openWithLetters();
  await userEvent.click(await screen.findByRole('button', { name: 'Replay 17-0' }));
  expect(
    (await screen.findByText('The posts could not be replayed.')).parentElement?.textContent,
  ).toContain('No such call.');
});

const STEP_MS = 60_000;

/** An hour with these errors in its last minutes. */
function errorsOf(counts: Partial<Record<ErrorKind, number>>[]): ErrorOverview {
  const at = (ms: number) => new Date(NOON + ms).toISOString();
  const steps = Array.from({ length: 60 }, (_, i) => ({
    from: at((i - 59) * STEP_MS),
    counts: counts[i - 60 + counts.length] ?? {},
  }));
  return {
    window: { from: at(-59 * STEP_MS), to: at(0), seconds: 3_540 },
    step_seconds: 60,
    steps,
    origins: [
      { origin: 'notifier', kind: 'restart', count: 3 },
      { origin: 'ingester', kind: 'dead_letter', count: 1 },
      { origin: 'ingester', kind: 'restart', count: 1 },
    ],
    recent: Array.from({ length: 8 }, (_, i) => ({
      at: at(-i * STEP_MS),
      first_at: at(-10 * STEP_MS),
      count: i === 0 ? 3 : 1,
      kind: 'warning',
      origin: 'store',
      message: `the outbox could not be read ${i}`,
    })),
  };
}

test('errors are shown as a chart, described in a sentence, and as a table', async () => {
  const asked: string[] = [];
  answerFetch({
    '/api/v1/system': () => sampleSystem,
    '/api/v1/system/errors': (url) => {
      asked.push(String(url));
      return errorsOf([{ restart: 2 }, { restart: 1, dead_letter: 1 }]);
    },
  });
  renderWithQueries(<SystemView pushed={sampleSystem} postsPerSecond={null} />);
  const panel = within(screen.getByRole('region', { name: 'Errors' }));
  const chart = await panel.findByRole('img');
  expect(chart.getAttribute('aria-label')).toBe('Errors over time: 1 dead letter, 3 restarts');
  expect(panel.getByRole('button', { name: /3 restarts/ }).getAttribute('aria-pressed')).toBe(
    'true',
  );
  expect(panel.getByText('By origin: notifier 3, ingester 2')).toBeTruthy();
  await userEvent.click(panel.getByRole('button', { name: /3 restarts/ }));
  expect(panel.getByText('By origin: ingester 1')).toBeTruthy();
  expect(panel.getByRole('button', { name: /3 restarts/ }).getAttribute('aria-pressed')).toBe(
    'false',
  );
  await userEvent.click(panel.getByRole('button', { name: 'Table' }));
  const rows = within(panel.getByRole('table', { name: 'Errors over time' })).getAllByRole('row');
  expect(rows.map((row) => row.textContent?.replace(/^\d\d:\d\d/, ''))).toEqual([
    'TimeDead lettersRestarts',
    '11',
    '02',
  ]);
  expect(panel.getByText(/The outbox could not be read 0/)).toBeTruthy();
  expect(panel.getByText(/3 times in/)).toBeTruthy();
  expect(panel.queryByText(/could not be read 7/)).toBeNull();
  await userEvent.click(panel.getByRole('button', { name: 'Show all 8' }));
  expect(panel.getByText(/could not be read 7/)).toBeTruthy();
  await userEvent.click(panel.getByRole('radio', { name: 'Last 24 hours' }));
  await waitFor(() => expect(asked.at(-1)).toContain('window=24h'));
});

test('an hour without errors says so', async () => {
  answerFetch({
    '/api/v1/system': () => sampleSystem,
    '/api/v1/system/errors': () => ({ ...errorsOf([]), recent: [] }),
  });
  renderWithQueries(<SystemView pushed={sampleSystem} postsPerSecond={null} />);
  expect(await screen.findByText('No errors.')).toBeTruthy();
});
