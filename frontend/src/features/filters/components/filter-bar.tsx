import { useMemo, type ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { CloseIcon } from '@/components/ui/icons';
import { Segmented } from '@/components/ui/segmented';
import { FilterSelect } from '@/components/ui/select';
import { capitalize, formatCount, formatSource } from '@/lib/format';
import {
  isFiltered,
  parseView,
  liveSecondsOf,
  nameOfWindow,
  WINDOWS,
  type FilterKey,
  type View,
  withoutFilters,
} from '@/lib/view';

interface Choice {
  key: string;
  count: number;
}

interface FilterBarProps {
  view: View;
  /** The pushed live window; null before the first frame. */
  live: { seconds: number } | null;
  /** The filter options, taken from the unfiltered live window. */
  choices: {
    sources: readonly Choice[];
    platforms: readonly Choice[];
    products: readonly Choice[];
  };
  /** Says where the figures come from. */
  provenance: string;
  onChange: (view: View) => void;
  actions?: ReactNode;
}

function windowOptions(liveSeconds: number) {
  const live =
    liveSeconds > 60 && liveSeconds % 60 === 0 ? `${liveSeconds / 60} min` : `${liveSeconds} s`;
  return WINDOWS.map((value) => ({
    value,
    text: value === '60s' ? live : value.replace(/(\d+)/, '$1 '),
    name: capitalize(nameOfWindow(value, { seconds: liveSeconds })),
  }));
}

/** The time window and the filters of the Live page. */
export function FilterBar({ view, live, choices, provenance, onChange, actions }: FilterBarProps) {
  const liveSeconds = liveSecondsOf(live);
  const options = useMemo(() => windowOptions(liveSeconds), [liveSeconds]);
  const set = (key: FilterKey, value: string | undefined) =>
    onChange(parseView({ ...view, [key]: value }));
  return (
    <div
      role="search"
      aria-label="Time window and filters"
      className="flex flex-wrap items-center gap-2"
    >
      <Segmented
        label="Window"
        value={view.window}
        options={options}
        onChange={(window) => onChange({ ...view, window })}
      />
      <FilterSelect
        label="Source"
        value={view.source}
        options={toOptions(choices.sources, formatSource)}
        onChange={(value) => set('source', value)}
      />
      <FilterSelect
        label="Platform"
        value={view.platform}
        options={toOptions(choices.platforms)}
        onChange={(value) => set('platform', value)}
      />
      <FilterSelect
        label="Product"
        value={view.product}
        options={toOptions(choices.products)}
        onChange={(value) => set('product', value)}
      />
      {(['channel', 'city'] as const).map((key) => {
        const value = view[key];
        return value === undefined ? null : (
          <Button
            key={key}
            className="border-brand! bg-highlight!"
            aria-label={`Remove filter ${key}: ${value}`}
            onClick={() => set(key, undefined)}
          >
            <span className="text-ink-soft">{capitalize(key)}</span> {value}
            <CloseIcon className="size-3.5" />
          </Button>
        );
      })}
      {isFiltered(view) && (
        <Button look="quiet" onClick={() => onChange(withoutFilters(view))}>
          Clear filters
        </Button>
      )}
      {actions}
      <p className="caption w-full min-[1100px]:ml-auto min-[1100px]:w-auto">{provenance}</p>
    </div>
  );
}

function toOptions(choices: readonly Choice[], name: (key: string) => string = (key) => key) {
  return choices
    .filter(({ key }) => key !== '')
    .map(({ key, count }) => ({ value: key, text: name(key), detail: formatCount(count) }));
}
