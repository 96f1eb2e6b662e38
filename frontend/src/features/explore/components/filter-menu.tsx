import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Input } from '@/components/ui/field';
import { Popover } from '@/components/ui/popover';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import { useChoices } from '@/features/explore/api/use-sums';
import {
  toggleValue,
  VALUES_MAX,
  withValues,
  type Dimension,
  type KeyFilter,
} from '@/features/explore/model/filters';
import { DIMENSION_NAMES, nameOf } from '@/features/explore/model/names';
import type { ExploreQuery } from '@/features/explore/model/query';
import { formatCount } from '@/lib/format';

interface FilterMenuProps {
  by: Dimension;
  query: ExploreQuery;
  onChange: (query: ExploreQuery) => void;
}

const CONDITIONS = [
  { value: 'is', text: 'is' },
  { value: 'not', text: 'is not' },
] as const;

/** For these dimensions, every value is in the list. */
const CLOSED: readonly Dimension[] = ['label', 'emotion'];

/** Selects and excludes values of one dimension. */
export function FilterMenu({ by, query, onChange }: FilterMenuProps) {
  const [open, setOpen] = useState(false);
  const n = [by, `${by}_not` as const].flatMap((key) => query.filters[key] ?? []).length;
  const name = DIMENSION_NAMES[by];
  return (
    <Popover
      label={`${name}: ${n === 0 ? 'all' : `${n} chosen`}`}
      text={
        <>
          {name} {n > 0 && <span className="text-ink-soft">{n}</span>}
        </>
      }
      chosen={n > 0}
      open={open}
      onOpenChange={setOpen}
    >
      {open && <FilterEditor by={by} query={query} onChange={onChange} />}
    </Popover>
  );
}

function FilterEditor({ by, query, onChange }: FilterMenuProps) {
  const { filters } = query;
  const not: KeyFilter = `${by}_not`;
  const [key, setKey] = useState<KeyFilter>(filters[not] !== undefined && !filters[by] ? not : by);
  const [typed, setTyped] = useState('');
  const choices = useChoices(query, by, true);
  const name = DIMENSION_NAMES[by].toLowerCase();
  const chosen = filters[key] ?? [];
  const isFull = chosen.length >= VALUES_MAX;
  const change = (next: typeof filters) => onChange({ ...query, filters: next });
  const wanted = typed.trim().toLowerCase();
  const listed = new Map((choices.data ?? []).map((item) => [item.key, item.count]));
  const missing = [...(filters[by] ?? []), ...(filters[not] ?? [])].filter(
    (value) => !listed.has(value),
  );
  const shown = [...new Set(missing), ...listed.keys()].filter((value) =>
    `${nameOf(by, value)} ${value}`.toLowerCase().includes(wanted),
  );
  const canAdd =
    wanted !== '' && !CLOSED.includes(by) && !shown.some((value) => value.toLowerCase() === wanted);
  return (
    <div className="flex flex-col gap-2.5 text-sm">
      <div className="flex items-center gap-2">
        <span className="font-semibold">{DIMENSION_NAMES[by]}</span>
        <Segmented
          label="Condition"
          value={key === by ? 'is' : 'not'}
          options={CONDITIONS}
          onChange={(condition) => setKey(condition === 'is' ? by : not)}
        />
        {(filters[by] ?? filters[not]) !== undefined && (
          <Button
            look="quiet"
            className="ml-auto"
            onClick={() => change(withValues(withValues(filters, by, []), not, []))}
          >
            Clear
          </Button>
        )}
      </div>
      <Input
        type="search"
        aria-label={`Find a ${name}`}
        placeholder={CLOSED.includes(by) ? 'Find' : 'Find, or type another'}
        className="h-8!"
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !canAdd || isFull) return;
          event.preventDefault();
          change(toggleValue(filters, key, typed.trim()));
          setTyped('');
        }}
      />
      <QueryStatus query={choices} what={`list of values`} rows={4} />
      <ul
        aria-label={key === by ? `Posts with this ${name}` : `Posts without this ${name}`}
        className="thin-scroll -mx-1.5 max-h-64 overflow-y-auto"
      >
        {shown.map((value) => (
          <li key={value}>
            <Checkbox
              className="w-full! rounded-md px-1.5 py-1 hover:bg-highlight"
              checked={chosen.includes(value)}
              disabled={isFull && !chosen.includes(value)}
              onChange={() => change(toggleValue(filters, key, value))}
            >
              <span className="min-w-0 truncate">{nameOf(by, value)}</span>
              {listed.has(value) && (
                <span className="ml-auto pl-3 text-ink-soft">
                  {formatCount(listed.get(value) ?? 0)}
                </span>
              )}
            </Checkbox>
          </li>
        ))}
      </ul>
      {choices.data !== undefined && shown.length === 0 && !canAdd && (
        <p className="text-ink-soft">{wanted === '' ? 'None in this period' : 'No match'}</p>
      )}
      {canAdd && (
        <Button
          disabled={isFull}
          onClick={() => {
            change(toggleValue(filters, key, typed.trim()));
            setTyped('');
          }}
        >
          Add “{typed.trim()}”
        </Button>
      )}
      {isFull && <p className="caption">A filter takes at most {VALUES_MAX} values.</p>}
    </div>
  );
}
