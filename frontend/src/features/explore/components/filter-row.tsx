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

const FILTERS_WITH_LIST = [
  'product',
  'platform',
  'channel',
  'city',
  'source',
  'label',
  'lang',
] as const satisfies Dimension[];

/** Filters without a list; charts and figures set them. */
const FILTERS_WITHOUT_LIST = ['emotion', 'author', 'min_virality', 'min_churn'] as const;

/** Radix reserves the empty string for “no selection”. */
const NONE = '(none)';

interface FilterRowProps {
  query: ExploreQuery;
  onChange: (query: ExploreQuery) => void;
}

/** The filters of the Explore page. */
export function FilterRow({ query, onChange }: FilterRowProps) {
  const isFiltered = Object.keys(query.filters).length > 0;
  return (
    <div
      role="search"
      aria-label="Filters"
      className="flex flex-wrap items-center gap-2 max-sm:flex-col max-sm:flex-nowrap max-sm:items-stretch"
    >
      {/* The key resets the box when the browser's history changes the search. */}
      <SearchBox
        key={query.filters.q ?? ''}
        text={query.filters.q ?? ''}
        onSearch={(q) => onChange(withFilter(query, 'q', q === '' ? undefined : q))}
      />
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2 sm:contents`}>
        {FILTERS_WITH_LIST.map((by) => (
          <FilterSelect key={by} by={by} query={query} onChange={onChange} />
        ))}
        {FILTERS_WITHOUT_LIST.map((key) => {
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
          // The browser's clear button does not submit the form.
          if (target.value === '' && text !== '') onSearch('');
        }}
      />
    </form>
  );
}

interface FilterSelectProps extends FilterRowProps {
  by: (typeof FILTERS_WITH_LIST)[number];
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
