import { render, screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { DesignView } from '@/features/design/components/design-view';

const components = Object.keys(import.meta.glob('/src/components/ui/*.tsx'));
const sources = import.meta.glob<string>('/src/features/design/components/*.tsx', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Components without a look of their own, or made of shown ones and data of the server. */
const NOT_SHOWN = ['actor-name', 'allowed', 'assign-popover', 'cell', 'editor'];

test('the page shows every component', () => {
  const page = Object.values(sources).join('\n');
  const names = components
    .map((path) => path.split('/').at(-1)?.replace('.tsx', '') ?? '')
    .filter((name) => !name.endsWith('.test'));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !page.includes(`@/components/ui/${name}'`))).toEqual(NOT_SHOWN);
});

test('the page shows both themes with the contrast of their colours', () => {
  render(<DesignView />);
  for (const title of ['Light colours', 'Dark colours']) {
    const theme = within(screen.getByRole('region', { name: title }));
    expect(theme.getByText('ink on page').parentElement?.textContent).toMatch(/\d\.\d:1$/);
    expect(
      within(theme.getByRole('list', { name: `${title}, all` })).getByText('brand'),
    ).toBeTruthy();
  }
});

test('the page shows the scale of type', () => {
  render(<DesignView />);
  const type = within(screen.getByRole('region', { name: 'Type' }));
  expect(type.getAllByRole('term').map(({ textContent }) => textContent?.split(':')[0])).toEqual([
    'text-xs, 12px',
    'text-sm, 14px',
    'text-base, 16px',
    'text-lg, 20px',
    'text-xl, 28px',
  ]);
});
