import { useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/field';
import { CloseIcon } from '@/components/ui/icons';
import { Select } from '@/components/ui/select';
import { useChoices } from '@/features/explore/api/use-sums';
import { PHONE_LINE } from '@/features/explore/components/phone-line';
import { DIMENSION_NAMES, FILTER_NAMES, nameOf } from '@/features/explore/model/names';
import {
  SEARCH_CHARACTERS_MAX,
  withFilter,
  type Dimension,
  type ExploreQuery,
} from '@/features/explore/model/query';
import { formatCount } from '@/lib/format';

const CHOSEN_FROM_LISTS = [
  'product',
  'platform',
  'channel',
  'city',
  'source',
  'label',
  'lang',
] as const satisfies Dimension[];

/** Set by a mark that was pressed, so they have no list to choose from. */
const SET_BY_MARKS = ['emotion', 'author', 'min_virality', 'min_churn'] as const;

/** Radix reserves the empty string for "nothing chosen yet". */
const NONE = '(none)';

interface FilterRowProps {
  query: ExploreQuery;
  onChange: (query: ExploreQuery) => void;
}

/** Which posts are counted and listed. */
export function FilterRow({ query, onChange }: FilterRowProps) {
  const isFiltered = Object.keys(query.filters).length > 0;
  return (
    <div
      role="search"
      aria-label="Filters"
      className="flex flex-wrap items-center gap-2 max-sm:flex-col max-sm:flex-nowrap max-sm:items-stretch"
    >
      {/* A new box for each new text, so that going back in the history shows what was searched then. */}
      <SearchBox
        key={query.filters.q ?? ''}
        text={query.filters.q ?? ''}
        onSearch={(q) => onChange(withFilter(query, 'q', q === '' ? undefined : q))}
      />
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2 sm:contents`}>
        {CHOSEN_FROM_LISTS.map((by) => (
          <FilterSelect key={by} by={by} query={query} onChange={onChange} />
        ))}
        {SET_BY_MARKS.map((key) => {
          const value = query.filters[key];
          return value === undefined ? null : (
            <Button
              key={key}
              className="border-brand! bg-highlight!"
              aria-label={`Remove filter ${FILTER_NAMES[key]}: ${nameOf(key, value)}`}
              onClick={() => onChange(withFilter(query, key, undefined))}
            >
              <span className="text-ink-soft">{FILTER_NAMES[key]}</span> {nameOf(key, value)}
              <CloseIcon className="size-3.5" />
            </Button>
          );
        })}
        {isFiltered && (
          <Button look="quiet" onClick={() => onChange({ ...query, filters: {} })}>
            Clear filters
          </Button>
        )}
      </div>
    </div>
  );
}

function SearchBox({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const search = (event: FormEvent) => {
    event.preventDefault();
    onSearch(typed.trim());
  };
  return (
    <form onSubmit={search} className="relative w-full sm:w-64">
      <Input
        type="search"
        aria-label="Search posts"
        placeholder="Search posts, then press Enter"
        className="h-8! text-[13px]!"
        maxLength={SEARCH_CHARACTERS_MAX}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          // The browser's own cross empties the box without a press of Enter.
          if (target.value === '' && text !== '') onSearch('');
        }}
      />
    </form>
  );
}

interface FilterSelectProps extends FilterRowProps {
  by: (typeof CHOSEN_FROM_LISTS)[number];
}

function FilterSelect({ by, query, onChange }: FilterSelectProps) {
  const [wasOpened, setWasOpened] = useState(false);
  const { data, isFetching } = useChoices(query, by, wasOpened);
  const value = query.filters[by];
  const chosen = value === '' ? NONE : value;
  const options = (data ?? []).map(({ key, count }) => ({
    value: key === '' ? NONE : key,
    text: nameOf(by, key),
    detail: formatCount(count),
  }));
  const isKnown = chosen === undefined || options.some((option) => option.value === chosen);
  return (
    <Select
      label={DIMENSION_NAMES[by]}
      value={chosen}
      options={
        isKnown
          ? options
          : [{ value: chosen, text: nameOf(by, value ?? ''), detail: '' }, ...options]
      }
      empty={isFetching ? 'Loading…' : 'None in this period'}
      onOpen={() => setWasOpened(true)}
      onChange={(next) => onChange(withFilter(query, by, next === NONE ? '' : next))}
    />
  );
}
