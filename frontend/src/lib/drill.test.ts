import { expect, test } from 'vitest';
import { searchBehind } from '@/lib/drill';
import { parseView } from '@/lib/view';

const window = { from: '2026-01-02T11:59:00.250Z', to: '2026-01-02T12:00:00.250Z' };

test('the posts behind a figure are those of its window and filters', () => {
  const view = parseView({ window: '5m', source: 'replay', product: 'Tide' });
  expect(searchBehind(view, window, { label: 'negative' })).toEqual({
    from: '2026-01-02T11:59:00Z',
    to: '2026-01-02T12:00:01Z',
    source: 'replay',
    product: 'Tide',
    label: 'negative',
  });
});

test('a window of whole buckets keeps its bounds', () => {
  const whole = { from: '2026-01-02T11:59:00Z', to: '2026-01-02T12:00:00Z' };
  expect(searchBehind(parseView({}), whole, {})).toEqual(whole);
});

test("a chart item's product and step override those of the page", () => {
  const view = parseView({ product: 'Tide' });
  const step = { from: '2026-01-02T11:59:10Z', to: '2026-01-02T11:59:20Z' };
  expect(searchBehind(view, window, { product: 'Solo', ...step })).toEqual({
    product: 'Solo',
    ...step,
  });
});

test('an item without a product selects posts without one', () => {
  expect(searchBehind(parseView({}), window, { product: '' })).toMatchObject({ product: '' });
});
