import { useMemo, useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { NativeSelect, TextField } from '@/components/ui/field';
import { Popover } from '@/components/ui/popover';
import { Segmented } from '@/components/ui/segmented';
import {
  RANGE_NAMES,
  RANGES,
  withRange,
  withWindow,
  type ExploreQuery,
} from '@/features/explore/model/query';
import { capitalize } from '@/lib/format';
import { formatterIn, fromWallClock, listZones, localZone, toWallClock } from '@/lib/zone';

interface RangeControlProps {
  query: ExploreQuery;
  /** The period of the figures on the screen, if known. */
  range: { from: string; to: string } | undefined;
  onChange: (query: ExploreQuery) => void;
}

const OPTIONS = RANGES.map((value) => ({
  value,
  text: value.replace(/(\d+)/, '$1 '),
  name: capitalize(RANGE_NAMES[value]),
}));

/** Chooses the period and the time zone. */
export function RangeControl({ query, range, onChange }: RangeControlProps) {
  const [open, setOpen] = useState(false);
  const isCustom = query.from !== undefined;
  const zones = useMemo(() => listZones(query.tz), [query.tz]);
  return (
    <>
      <Segmented
        label="Period"
        // A custom period selects none of the options.
        value={isCustom ? ('' as (typeof RANGES)[number]) : query.window}
        options={OPTIONS}
        onChange={(window) => onChange(withWindow(query, window))}
      />
      <Popover
        label="Custom period"
        text={isCustom ? describeRange(query) : 'Custom'}
        chosen={isCustom}
        open={open}
        onOpenChange={setOpen}
      >
        <CustomRange
          query={query}
          range={range}
          onApply={(next) => {
            setOpen(false);
            onChange(next);
          }}
        />
      </Popover>
      <NativeSelect
        aria-label="Time zone"
        className="max-w-44 [&_select]:h-8 [&_select]:text-[13px]"
        value={query.tz}
        onChange={({ target }) => onChange({ ...query, tz: target.value })}
      >
        {zones.map((zone) => (
          <option key={zone} value={zone}>
            {zone === localZone() && zone !== 'UTC' ? `${zone} (local)` : zone}
          </option>
        ))}
      </NativeSelect>
    </>
  );
}

function CustomRange({
  query,
  range,
  onApply,
}: Omit<RangeControlProps, 'onChange'> & { onApply: (query: ExploreQuery) => void }) {
  const { tz } = query;
  const [from, setFrom] = useState(() => toWallClock(query.from ?? range?.from ?? '', tz));
  const [to, setTo] = useState(() => toWallClock(query.to ?? range?.to ?? '', tz));
  const [shown, setShown] = useState(false);
  const problems = check(from, to, tz);
  const apply = (event: FormEvent) => {
    event.preventDefault();
    setShown(true);
    const [start, end] = [fromWallClock(from, tz), fromWallClock(to, tz)];
    if (problems.from === null && problems.to === null && start !== null && end !== null) {
      onApply(withRange(query, start, end));
    }
  };
  return (
    <form onSubmit={apply} noValidate className="flex flex-col gap-3">
      <TextField
        label="From"
        error={shown ? problems.from : null}
        type="datetime-local"
        value={from}
        onChange={setFrom}
      />
      <TextField
        label="To"
        hint={`Time zone: ${tz}`}
        error={shown ? problems.to : null}
        type="datetime-local"
        value={to}
        onChange={setTo}
      />
      <Button type="submit" look="solid">
        Apply
      </Button>
    </form>
  );
}

function check(from: string, to: string, tz: string) {
  const [start, end] = [fromWallClock(from, tz), fromWallClock(to, tz)];
  return {
    from: start === null ? 'Choose a start time.' : null,
    to:
      end === null
        ? 'Choose an end time.'
        : start !== null && Date.parse(end) <= Date.parse(start)
          ? 'The end must be after the start.'
          : null,
  };
}

/** `21 Nov, 10:00 – 21 Nov, 12:00`, with the year unless it is this one. */
export function describeRange({ from, to, tz }: ExploreQuery, now = Date.now()): string {
  const yearOf = formatterIn(tz, { year: 'numeric' });
  const isThisYear = [from, to].every((at) => yearOf(at ?? '') === yearOf(now));
  const format = formatterIn(tz, {
    day: 'numeric',
    month: 'short',
    ...(!isThisYear && { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  });
  return `${format(from ?? '')} – ${format(to ?? '')}`;
}
