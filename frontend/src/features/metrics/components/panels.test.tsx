import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { HeadlineStrip } from '@/features/metrics/components/headline-strip';
import { MetricsPanels } from '@/features/metrics/components/metrics-panels';
import { VoicePanel } from '@/features/metrics/components/voice-panel';
import { ApiError } from '@/lib/api-client';
import type { Drill } from '@/lib/drill';
import { noPosts, sampleKey, sampleSnapshot, sampleTally } from '@/testing/samples';

const pushed = (changes = {}): Metrics => ({
  snapshot: sampleSnapshot(changes),
  origin: { kind: 'socket' },
  error: null,
  isOutdated: false,
});

const drill: Drill = {
  searchOf: (behind) => ({ from: 'a', to: 'b', ...behind }),
  open: vi.fn(),
};

test('each of the six panels is a named region with its figures', () => {
  render(<MetricsPanels metrics={pushed()} onSelect={vi.fn()} drill={drill} />);
  const regions = ['Sentiment', 'Trend', 'Cities', 'Emotions', 'Products', 'Channels'];
  for (const name of regions) {
    const chart = within(screen.getByRole('region', { name })).getByRole('img', { name: /\d/ });
    expect(chart).toBeTruthy();
  }
});

test('a chart can be shown as a table whose names filter the page', async () => {
  const onSelect = vi.fn();
  render(<MetricsPanels metrics={pushed()} onSelect={onSelect} drill={drill} />);
  await userEvent.click(screen.getByRole('button', { name: 'Products as a table' }));
  const table = screen.getByRole('table', { name: 'Posts by product' });
  expect(within(table).getByText('Unattributed')).toBeTruthy();
  await userEvent.click(within(table).getByRole('button', { name: 'Mayweather' }));
  expect(onSelect).toHaveBeenCalledWith('product', 'Mayweather');
});

test('posts without a location are counted, not hidden', () => {
  const geo = [...sampleSnapshot().geo, { key: '', ...sampleSnapshot().overall }];
  render(<MetricsPanels metrics={pushed({ geo })} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByText('10 without a location')).toBeTruthy();
});

test('an empty window is drawn as empty, not as zero sentiment', () => {
  const empty = pushed({ overall: noPosts, geo: [], products: [], channels: [] });
  render(<MetricsPanels metrics={empty} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByRole('img', { name: 'Average sentiment –, no posts' })).toBeTruthy();
});

test('before the first figures, the page says that it is waiting', () => {
  const waiting: Metrics = {
    snapshot: null,
    origin: { kind: 'socket' },
    error: null,
    isOutdated: false,
  };
  render(<MetricsPanels metrics={waiting} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByRole('status').textContent).toContain('Waiting for the first figures');
});

test('a window that is too long says what to do', () => {
  const error = new ApiError(400, 'window_too_long', 'too long');
  render(<MetricsPanels metrics={{ ...pushed(), error }} onSelect={vi.fn()} drill={drill} />);
  expect(screen.getByRole('alert').textContent).toContain('Choose a shorter window');
});

test('the headline numbers are those of the window', () => {
  render(<HeadlineStrip metrics={pushed()} window="60s" previous={null} drill={drill} />);
  const strip = screen.getByLabelText('Headline numbers');
  expect(within(strip).getByText('+0.25')).toBeTruthy();
  expect(within(strip).getByText('20%')).toBeTruthy();
});

test('before the first figures, the headline shows dashes, not zeros', () => {
  render(
    <HeadlineStrip
      previous={null}
      drill={drill}
      metrics={{ snapshot: null, origin: { kind: 'socket' }, error: null, isOutdated: false }}
      window="60s"
    />,
  );
  expect(screen.getAllByText('–')).toHaveLength(6);
});

test("the previous view's figures are shown as outdated", () => {
  const { container } = render(
    <MetricsPanels metrics={{ ...pushed(), isOutdated: true }} onSelect={vi.fn()} drill={drill} />,
  );
  expect(container.querySelector('[aria-busy="true"]')).toBeTruthy();
});

test('figures link to the posts behind them', async () => {
  render(<MetricsPanels metrics={pushed()} onSelect={vi.fn()} drill={drill} />);
  const negative = screen.getByTitle('Show the negative posts');
  expect(negative.getAttribute('href')).toBe('/explore?from=a&to=b&label=negative');
  await userEvent.click(screen.getByRole('button', { name: 'Emotions as a table' }));
  const joy = screen.getByRole('row', { name: /^Joy/ });
  const link = within(joy).getByRole('link', { name: '6' });
  expect(link.getAttribute('href')).toBe('/explore?from=a&to=b&emotion=joy');
});

test('a headline shows its change since the previous period', () => {
  const previous = sampleTally({
    count: 8,
    sentiment: { average: 0.2, positive: 4, neutral: 0, negative: 4 },
  });
  render(<HeadlineStrip metrics={pushed()} window="60s" previous={previous} drill={drill} />);
  const changes = screen.getAllByTitle(/period of the same length/).map((one) => one.textContent);
  expect(changes.map((text) => text?.replace(' compared with the previous period', ''))).toEqual([
    '+25%',
    '+0.05',
    '−30 pts',
  ]);
});

test('shares of voice show their change since the previous period', () => {
  const now = [sampleKey('Tide', { count: 30 }), sampleKey('Solo', { count: 10 }), sampleKey('')];
  const before = [sampleKey('Solo', { count: 20 }), sampleKey('Tide', { count: 20 })];
  render(<VoicePanel products={now} before={before} drill={drill} />);
  const rows = screen.getAllByRole('listitem').map((row) => row.textContent);
  expect(rows[0]).toMatch(/^Tide\+25 pts.*75%$/);
  expect(rows[1]).toMatch(/^Solo−25 pts.*25%$/);
  expect(rows).toHaveLength(2);
});
