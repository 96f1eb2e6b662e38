import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Children, type ComponentProps } from 'react';
import { expect, test, vi } from 'vitest';
import { getFigures, type Figures } from '@/features/metrics/api/get-figures';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { LiveHeadline } from '@/features/metrics/components/live-headline';
import { LeadSentence } from '@/features/metrics/components/lead-sentence';
import { MetricsPanels } from '@/features/metrics/components/metrics-panels';
import { SentimentPanel } from '@/features/metrics/components/sentiment-panel';
import { VoicePanel } from '@/features/metrics/components/voice-panel';
import { ApiError } from '@/lib/api-client';
import type { Drill } from '@/lib/drill';
import { answerFetch } from '@/testing/render';
import { noPosts, sampleKey, sampleSnapshot, sampleTally } from '@/testing/samples';

const pushed = (changes: Partial<Figures> = {}): Metrics => ({
  snapshot: { ...sampleSnapshot(), ...changes },
  origin: { kind: 'socket' },
  error: null,
  isOutdated: false,
});

const drill: Drill = {
  searchOf: (behind) => ({ from: 'a', to: 'b', ...behind }),
  open: vi.fn(),
};

/** The panels in the order in which they are built. */
function Panels(props: Omit<ComponentProps<typeof MetricsPanels>, 'children'>) {
  return (
    <MetricsPanels {...props}>
      {(panels) => <>{Children.toArray(Object.values(panels))}</>}
    </MetricsPanels>
  );
}

test('each of the five panels is a named region with its figures', () => {
  render(<Panels metrics={pushed()} onSelect={vi.fn()} drill={drill} />);
  const regions = ['Trend', 'Cities', 'Emotions', 'Products', 'Channels'];
  for (const name of regions) {
    const chart = within(screen.getByRole('region', { name })).getByRole('img', { name: /\d/ });
    expect(chart).toBeTruthy();
  }
});

test('a chart can be shown as a table whose names filter the page', async () => {
  const onSelect = vi.fn();
  render(<Panels metrics={pushed()} onSelect={onSelect} drill={drill} />);
  await userEvent.click(screen.getByRole('button', { name: 'Products as a table' }));
  const table = screen.getByRole('table', { name: 'Posts by product' });
  expect(within(table).getByText('Unattributed')).toBeTruthy();
  await userEvent.click(within(table).getByRole('button', { name: 'Mayweather' }));
  expect(onSelect).toHaveBeenCalledWith('product', 'Mayweather');
});

test('posts without a location are counted, not hidden', () => {
  const geo = [...sampleSnapshot().geo, { key: '', ...sampleSnapshot().overall }];
  render(<Panels metrics={pushed({ geo })} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByText('10 without a location')).toBeTruthy();
});

test('an empty window is drawn as empty, not as zero sentiment', () => {
  render(<SentimentPanel overall={noPosts} span="last 60 seconds" drill={drill} />);
  expect(screen.getByRole('img', { name: 'Average sentiment –, no posts' })).toBeTruthy();
});

test('before the first figures, the page says that it is waiting', () => {
  const waiting: Metrics = {
    snapshot: null,
    origin: { kind: 'socket' },
    error: null,
    isOutdated: false,
  };
  render(<Panels metrics={waiting} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByRole('status').textContent).toContain('Waiting for the first figures');
});

test('a panel that fails says why and leads to Explore, and the others have their figures', () => {
  const error = new ApiError(400, 'window_too_long', 'too long');
  const metrics = pushed({ geo: null, failures: { geo: error } });
  render(<Panels metrics={metrics} onSelect={vi.fn()} drill={drill} />);
  const cities = within(screen.getByRole('region', { name: 'Cities' }));
  expect(cities.getByRole('status').textContent).toContain('Choose a shorter period');
  const link = cities.getByRole('link', { name: 'Open in Explore' });
  expect(link.getAttribute('href')).toBe('/explore?from=a&to=b&by=city');
  for (const name of ['Trend', 'Emotions', 'Products', 'Channels']) {
    expect(
      within(screen.getByRole('region', { name })).getByRole('img', { name: /\d/ }),
    ).toBeTruthy();
  }
});

test('if nothing can be loaded, the page says why', () => {
  const error = new ApiError(400, 'window_too_long', 'too long');
  render(<Panels metrics={{ ...pushed(), error }} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByRole('alert').textContent).toContain('Choose a shorter period');
});

test('one failed breakdown does not fail the others, and none is filtered by its own dimension', async () => {
  const { overall, window, trend } = sampleSnapshot();
  const tooLong = { error: { code: 'window_too_long', message: 'too long' } };
  const requests = answerFetch({
    '/api/metrics/overall': () => ({ window, ...overall }),
    '/api/metrics/products': () => ({ window, items: [sampleKey('Tide')] }),
    '/api/metrics/geo': () => new Response(JSON.stringify(tooLong), { status: 400 }),
    '/api/metrics/channels': () => ({ window, items: [] }),
    '/api/metrics/platforms': () => ({ window, items: [] }),
    '/api/metrics/trend': () => ({ window, ...trend }),
  });
  const view = { window: '7d', product: 'Tide' } as const;
  const figures = await getFigures(view, null, new AbortController().signal);
  expect(figures).toMatchObject({ geo: null, products: [{ key: 'Tide' }], overall: { count: 10 } });
  expect(figures.failures?.geo?.message).toBe('too long');
  const filtered = requests.filter(({ url }) => url.searchParams.has('product'));
  const names = filtered.map(({ url }) => url.pathname.split('/').at(-1));
  expect(names.toSorted()).toEqual(['channels', 'geo', 'overall', 'platforms', 'trend']);
});

test('the headline numbers are those of the window', () => {
  render(<LiveHeadline metrics={pushed()} window="60s" previous={null} drill={drill} />);
  const strip = screen.getByLabelText('Headline numbers');
  expect(within(strip).getByText('+0.25')).toBeTruthy();
  expect(within(strip).getByText('20%')).toBeTruthy();
});

test('before the first figures, the headline shows dashes, not zeros', () => {
  render(
    <LiveHeadline
      previous={null}
      drill={drill}
      metrics={{ snapshot: null, origin: { kind: 'socket' }, error: null, isOutdated: false }}
      window="60s"
    />,
  );
  expect(screen.getAllByText('–')).toHaveLength(4);
});

test("the previous view's figures are shown as outdated", () => {
  const { container } = render(
    <Panels metrics={{ ...pushed(), isOutdated: true }} onSelect={vi.fn()} drill={drill} />,
  );
  expect(container.querySelector('[aria-busy="true"]')).toBeTruthy();
});

test('figures link to the posts behind them', async () => {
  render(<Panels metrics={pushed()} onSelect={vi.fn()} drill={drill} />);
  const negative = screen.getByTitle('Show the negative posts');
  expect(negative.getAttribute('href')).toBe('/explore?from=a&to=b&label=negative');
  await userEvent.click(screen.getByRole('button', { name: 'Emotions as a table' }));
  const joy = screen.getByRole('row', { name: /^Joy/ });
  const link = within(joy).getByRole('link', { name: '6' });
  expect(link.getAttribute('href')).toBe('/explore?from=a&to=b&emotion=joy');
});

test('a headline shows its change since the previous period', () => {
  const overall = sampleTally({
    count: 50,
    sentiment: { average: 0.25, positive: 30, neutral: 10, negative: 10 },
  });
  const previous = sampleTally({
    count: 40,
    sentiment: { average: 0.2, positive: 20, neutral: 0, negative: 20 },
  });
  const { rerender } = render(
    <LiveHeadline metrics={pushed({ overall })} window="60s" previous={previous} drill={drill} />,
  );
  const changes = () =>
    screen.queryAllByTitle(/period of the same length/).map((one) => one.textContent);
  expect(changes().map((text) => text?.replace(' compared with the previous period', ''))).toEqual([
    '▲+25%',
    '▲+0.05',
    '▼−30 pts',
  ]);
  const few = { ...previous, count: 29 };
  rerender(
    <LiveHeadline metrics={pushed({ overall })} window="60s" previous={few} drill={drill} />,
  );
  expect(changes()).toEqual([]);
});

test('shares of voice show their change since the previous period', () => {
  const now = [sampleKey('Tide', { count: 30 }), sampleKey('Solo', { count: 10 }), sampleKey('')];
  const before = [sampleKey('Solo', { count: 20 }), sampleKey('Tide', { count: 20 })];
  render(<VoicePanel products={now} before={before} drill={drill} />);
  const rows = screen.getAllByRole('listitem').map((row) => row.textContent);
  expect(rows[0]).toMatch(/^Tide▲\+25 pts.*75%$/);
  expect(rows[1]).toMatch(/^Solo▼−25 pts.*25%$/);
  expect(rows).toHaveLength(2);
});

test('a breakdown by the filtered dimension says that the filter does not apply', () => {
  const filter = { product: 'Tide' };
  render(<Panels metrics={pushed()} filter={filter} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByText('all products, not only Tide')).toBeTruthy();
  expect(screen.getByText('average sentiment; size is volume')).toBeTruthy();
});

test.each([
  ['no alert is open', { isQuiet: true }, 'Sentiment +0.10; no open alerts.'],
  ['the alerts are unknown', {}, 'Sentiment +0.10.'],
  ['all open alerts are silenced', { n_silenced: 2 }, 'Sentiment +0.10; 2 silenced alerts.'],
])('the summary while %s', (_, changes, text) => {
  const lead = { sentiment: 'Sentiment +0.10', alerts: [], more: 0, n_silenced: 0, isQuiet: false };
  render(<LeadSentence lead={{ ...lead, ...changes }} />);
  expect(screen.getByRole('group', { name: 'Summary' }).textContent).toBe(text);
});
