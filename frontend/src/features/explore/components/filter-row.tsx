import { useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/field';
import { CloseIcon } from '@/components/ui/icons';
import { FilterMenu } from '@/features/explore/components/filter-menu';
import { PHONE_LINE } from '@/features/explore/components/phone-line';
import {
  DIMENSIONS,
  FILTERS,
  SEARCH_CHARACTERS_MAX,
  toggleValue,
  type FilterKey,
  type Filters,
} from '@/features/explore/model/filters';
import { nameOf, nameOfFilter } from '@/features/explore/model/names';
import { withFilter, type ExploreQuery } from '@/features/explore/model/query';

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
        key={query.filters.q?.[0] ?? ''}
        text={query.filters.q?.[0] ?? ''}
        onSearch={(q) => onChange(withFilter(query, 'q', q === '' ? undefined : q))}
      />
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2 sm:contents`}>
        {DIMENSIONS.map((by) => (
          <FilterMenu key={by} by={by} query={query} onChange={onChange} />
        ))}
      </div>
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2 empty:hidden sm:w-full`}>
        {chipsOf(query.filters).map(({ key, value }) => (
          <Chip
            key={`${key}=${value}`}
            filter={key}
            value={value}
            onRemove={() => onChange({ ...query, filters: toggleValue(query.filters, key, value) })}
          />
        ))}
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
        className="h-8! text-sm!"
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

/** The chosen values, except the search, which has its own box. */
function chipsOf(filters: Filters) {
  return FILTERS.filter((key) => key !== 'q').flatMap((key) =>
    (filters[key] ?? []).map((value) => ({ key, value })),
  );
}

interface ChipProps {
  filter: FilterKey;
  value: string;
  onRemove: () => void;
}

function Chip({ filter, value, onRemove }: ChipProps) {
  const [name, text] = [nameOfFilter(filter), nameOf(filter, value)];
  return (
    <Button
      className="max-w-72 border-brand! bg-highlight!"
      aria-label={`Remove filter ${name}: ${text}`}
      onClick={onRemove}
    >
      <span className="shrink-0 text-ink-soft">{name}</span>{' '}
      <span className="truncate">{text}</span>
      <CloseIcon className="size-3.5 shrink-0" />
    </Button>
  );
}
