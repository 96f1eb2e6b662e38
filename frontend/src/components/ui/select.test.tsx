import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { FilterSelect } from '@/components/ui/select';

const OPTIONS = [
  { value: 'http', text: 'HTTP', detail: '12' },
  { value: 'replay', text: 'Replay', detail: '3' },
];

const select = () => screen.getByRole('combobox', { name: 'Source' });
const texts = () =>
  within(select())
    .getAllByRole('option')
    .map(({ textContent }) => textContent);

test('an option sets the filter, and the first one removes it', async () => {
  const onChange = vi.fn();
  const { rerender } = render(
    <FilterSelect label="Source" value={undefined} options={OPTIONS} onChange={onChange} />,
  );
  expect(texts()).toEqual(['All', 'HTTP (12)', 'Replay (3)']);
  await userEvent.selectOptions(select(), 'http');
  rerender(<FilterSelect label="Source" value="http" options={OPTIONS} onChange={onChange} />);
  await userEvent.selectOptions(select(), 'All');
  expect(onChange.mock.calls).toEqual([['http'], [undefined]]);
});

test('a value that is no longer among the options stays chosen', () => {
  render(<FilterSelect label="Source" value="bluesky" options={OPTIONS} onChange={vi.fn()} />);
  expect((select() as HTMLSelectElement).value).toBe('bluesky');
});

test('an open list keeps its options until it loses focus', async () => {
  const filter = (options: typeof OPTIONS) => (
    <FilterSelect label="Source" value={undefined} options={options} onChange={vi.fn()} />
  );
  const { rerender } = render(filter(OPTIONS));
  await userEvent.click(select());
  rerender(filter([]));
  expect(texts()).toEqual(['All', 'HTTP (12)', 'Replay (3)']);
  await userEvent.tab();
  expect(texts()).toEqual(['All', 'None yet']);
});
