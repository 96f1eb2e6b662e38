import { clsx } from 'clsx';
import { memo, useDeferredValue, useMemo, useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import { Popover } from '@/components/ui/popover';
import { Segmented } from '@/components/ui/segmented';
import { Select } from '@/components/ui/select';
import {
  CALENDAR,
  RANGE_NAMES,
  ROLLING,
  withRange,
  withWindow,
  type ExploreQuery,
  type RangeKey,
} from '@/features/explore/model/query';
import { capitalize } from '@/lib/format';
import { formatRange } from '@/lib/time';
import { fromWallClock, listZones, localZone, toWallClock } from '@/lib/zone';

interface RangeControlProps {
  query: ExploreQuery;
  /** The period of the figures on the screen, if known. */
  range: { from: string; to: string } | undefined;
  onChange: (query: ExploreQuery) => void;
}

const OPTIONS = ROLLING.map((value) => ({
  value,
  text: value.replace(/(\d+)/, '$1 '),
  name: capitalize(RANGE_NAMES[value]),
}));

/** Chooses the period and the time zone. */
export function RangeControl({ query, range, onChange }: RangeControlProps) {
  const [open, setOpen] = useState(false);
  const isCustom = query.from !== undefined;
  const calendar = CALENDAR.find((key) => !isCustom && key === query.window);
  return (
    <>
      <Segmented
        label="Period"
        // A custom or calendar period selects none of the options.
        value={isCustom ? ('' as RangeKey) : query.window}
        options={OPTIONS as readonly { value: RangeKey; text: string; name: string }[]}
        onChange={(window) => onChange(withWindow(query, window))}
      />
      <Select
        aria-label="Calendar period"
        isCompact
        className={clsx(calendar && '[&_select]:border-brand!')}
        value={calendar ?? ''}
        onChange={({ target }) => {
          const chosen = CALENDAR.find((key) => key === target.value);
          if (chosen !== undefined) onChange(withWindow(query, chosen));
        }}
      >
        <option value="" disabled hidden={calendar !== undefined}>
          Calendar
        </option>
        {CALENDAR.map((key) => (
          <option key={key} value={key}>
            {capitalize(RANGE_NAMES[key])}
          </option>
        ))}
      </Select>
      <Popover
        label="Custom period"
        text={isCustom ? formatRange(query.from ?? '', query.to ?? '', query.tz) : 'Custom'}
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
      <Select
        aria-label="Time zone"
        isCompact
        className="w-44"
        value={query.tz}
        onChange={({ target }) => onChange({ ...query, tz: target.value })}
      >
        <ZoneOptions used={query.tz} />
      </Select>
    </>
  );
}

/** All time zones. Several hundred options follow when the page has been drawn. */
const ZoneOptions = memo(function ZoneOptions({ used }: { used: string }) {
  const all = useMemo(() => listZones(used), [used]);
  const zones = useDeferredValue(all, [...new Set([localZone(), 'UTC', used])]);
  return zones.map((zone) => (
    <option key={zone} value={zone}>
      {zone === localZone() ? `${zone} (local)` : zone}
    </option>
  ));
});

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
        step={1}
        value={from}
        onChange={setFrom}
      />
      <TextField
        label="To"
        hint={`Time zone: ${tz}`}
        error={shown ? problems.to : null}
        type="datetime-local"
        step={1}
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
