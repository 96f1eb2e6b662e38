import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { Exportable } from '@/components/export/exportable';
import { nameFile } from '@/components/export/name-file';
import { captionOf, wrap } from '@/components/export/picture';
import type { ExportScope } from '@/components/export/scope';
import { Panel } from '@/components/ui/panel';
import { countColumn, csvOf, shareColumn } from '@/components/ui/columns';

const saved = vi.hoisted(() => vi.fn<(file: Blob, name: string) => void>());
vi.mock('@/lib/save-file', () => ({ saveFile: saved }));

const SCOPE: ExportScope = {
  span: 'last hour',
  from: '2026-03-29T08:30:00Z',
  to: '2026-03-29T09:30:00Z',
  zone: 'UTC',
  filters: ['product Harbor Pay', 'city Oslo'],
};

/** The blobs of jsdom cannot do this themselves. */
function readText(file: Blob | undefined): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(file ?? new Blob());
  });
}

const panel = (
  <Panel title="Share of voice" exported={() => ({ heads: ['Product'], rows: [['=1+1']] })}>
    figures
  </Panel>
);

test('a panel is saved as CSV with the keyboard alone, and focus returns to its button', async () => {
  render(<Exportable scope={SCOPE}>{panel}</Exportable>);
  await userEvent.tab();
  await userEvent.keyboard('{Enter}');
  const item = await screen.findByRole('button', { name: 'Figures as CSV' });
  await waitFor(() => expect(document.activeElement).toBe(item));
  expect(screen.queryByRole('button', { name: 'Chart as PNG' })).toBeNull();
  await userEvent.keyboard('{Enter}');
  await waitFor(() => expect(saved).toHaveBeenCalledOnce());
  const [file, name] = saved.mock.lastCall ?? [];
  expect(name).toBe('groundswell-share-of-voice-20260329T083000Z-20260329T093000Z.csv');
  expect(await readText(file)).toBe("Product\r\n'=1+1\r\n");
  const opener = screen.getByRole('button', { name: 'Export Share of voice' });
  await waitFor(() => expect(document.activeElement).toBe(opener));
});

test('a panel outside a page with a period cannot be saved', () => {
  render(panel);
  expect(screen.queryByRole('button', { name: /Export/ })).toBeNull();
});

test('a failure is shown and nothing is saved', async () => {
  render(<Exportable scope={null}>{panel}</Exportable>);
  await userEvent.click(screen.getByRole('button', { name: 'Export Share of voice' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Figures as CSV' }));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toBe('The file could not be saved: the figures are still loading.');
});

test('a file has the figures of the table without rounding', () => {
  interface Row {
    name: string;
    count: number;
  }
  const columns = [
    countColumn<Row>('Posts', ({ count }) => count),
    shareColumn<Row>(
      'Share',
      ({ count }) => count,
      () => 3 * 123_456,
    ),
  ];
  const rows = [{ name: 'a', count: 123_456 }];
  const nameOf = ({ name }: Row) => name;
  const table = csvOf({ keyHead: 'Name', rows, keyOf: nameOf, nameOf, columns });
  expect(table.heads).toEqual(['Name', 'Posts', 'Share (%)']);
  expect(table.rows).toEqual([['a', 123_456, expect.closeTo(100 / 3, 10)]]);
});

test('the name of a file has no character that a file system rejects', () => {
  const name = nameFile(' Top: posts / week ', SCOPE, 'png');
  expect(name).toBe('groundswell-top-posts-week-20260329T083000Z-20260329T093000Z.png');
});

test('a picture says what it shows', () => {
  expect(captionOf({ note: 'by hour', scope: SCOPE })).toEqual([
    'by hour',
    expect.stringMatching(/^last hour: 29 Mar.*, 08:30 – 09:30 \(UTC\)$/),
    'Filters: product Harbor Pay · city Oslo',
  ]);
});

test('long captions are wrapped and cut off', () => {
  const pen = { measureText: (text: string) => ({ width: text.length }) as TextMetrics };
  expect(wrap(pen, 'one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap(pen, 'a'.repeat(20), 5)).toEqual(['aaaa…']);
  const lines = wrap(pen, 'word '.repeat(30).trim(), 9);
  expect(lines).toHaveLength(4);
  expect(lines.at(-1)).toMatch(/…$/);
});
