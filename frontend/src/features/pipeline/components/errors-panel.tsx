import { clsx } from 'clsx';
import { useCallback, useMemo, useState } from 'react';
import { Chart } from '@/components/charts/chart';
import { usePalette } from '@/components/charts/palette';
import { Button } from '@/components/ui/button';
import type { Column } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import {
  useErrors,
  type ErrorKind,
  type ErrorOverview,
  type ErrorWindow,
} from '@/features/pipeline/api/use-errors';
import { errorsOption } from '@/features/pipeline/components/errors-option';
import { RecentErrors } from '@/features/pipeline/components/recent-errors';
import {
  describeOrigins,
  describeTotals,
  KIND_NAMES,
  KINDS,
  totalsOf,
} from '@/features/pipeline/model/errors';
import { capitalize, formatCount } from '@/lib/format';
import { formatMinute } from '@/lib/time';

const WINDOWS: { value: ErrorWindow; text: string; name: string }[] = [
  { value: '1h', text: '1 h', name: 'Last hour' },
  { value: '6h', text: '6 h', name: 'Last 6 hours' },
  { value: '24h', text: '24 h', name: 'Last 24 hours' },
];

/** The errors of this process: counts over time, origins, and recent messages. */
export function ErrorsPanel({ now }: { now: number }) {
  const [window, setWindow] = useState<ErrorWindow>('1h');
  const errors = useErrors(window);
  return (
    <Panel
      title="Errors"
      note="in this process"
      actions={
        <Segmented label="Time range" value={window} options={WINDOWS} onChange={setWindow} />
      }
    >
      <QueryStatus query={errors} what="errors" rows={5} />
      {errors.data !== undefined && <Overview overview={errors.data} now={now} />}
    </Panel>
  );
}

function Overview({ overview, now }: { overview: ErrorOverview; now: number }) {
  const palette = usePalette();
  const [hidden, setHidden] = useState<ReadonlySet<ErrorKind>>(new Set());
  const [asTable, setAsTable] = useState(false);
  const totals = useMemo(() => totalsOf(overview), [overview]);
  const kinds = useMemo(() => KIND_NAMES.filter((kind) => !hidden.has(kind)), [hidden]);
  const toggle = useCallback(
    (kind: ErrorKind) =>
      setHidden((before) => {
        const after = new Set(before);
        if (!after.delete(kind)) after.add(kind);
        return after;
      }),
    [],
  );
  const option = useMemo(
    () => errorsOption({ palette, steps: overview.steps, kinds, formatTime: formatMinute }),
    [palette, overview.steps, kinds],
  );
  const where = describeOrigins(overview, (kind) => !hidden.has(kind));
  const shown = KIND_NAMES.filter((kind) => totals.has(kind));
  return (
    <>
      <div className="mt-1 flex flex-wrap items-center gap-1.5">
        {shown.length === 0 && <p className="text-sm text-ink-soft">No errors.</p>}
        {shown.map((kind) => (
          <Toggle
            key={kind}
            kind={kind}
            count={totals.get(kind) ?? 0}
            isShown={!hidden.has(kind)}
            onToggle={toggle}
          />
        ))}
        {shown.length > 0 && (
          <Button
            look="quiet"
            className="ml-auto h-7! px-2!"
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? 'Chart' : 'Table'}
          </Button>
        )}
      </div>
      {asTable ? (
        <div className="thin-scroll max-h-64 overflow-auto">
          <DataTable
            caption="Errors over time"
            keyHead="Time"
            rows={overview.steps
              .filter(({ counts }) => Object.keys(counts).length > 0)
              .toReversed()}
            keyOf={({ from }) => from}
            nameOf={({ from }) => formatMinute(from)}
            columns={shown.map((kind): Column<ErrorOverview['steps'][number]> => ({
              head: capitalize(KINDS[kind].many),
              cell: ({ counts }) => formatCount(counts[kind] ?? 0),
            }))}
          />
        </div>
      ) : (
        <Chart
          label={`Errors over time: ${describeTotals(totals)}`}
          option={option}
          className="h-44"
        />
      )}
      {where !== '' && <p className="caption wrap-anywhere">By origin: {where}</p>}
      <RecentErrors overview={overview} now={now} />
    </>
  );
}

interface ToggleProps {
  kind: ErrorKind;
  count: number;
  isShown: boolean;
  onToggle: (kind: ErrorKind) => void;
}

/** Shows or hides a kind of error in the chart. */
function Toggle({ kind, count, isShown, onToggle }: ToggleProps) {
  const { one, many, colour } = KINDS[kind];
  return (
    <button
      type="button"
      aria-pressed={isShown}
      title={isShown ? 'Hide in the chart' : 'Show in the chart'}
      onClick={() => onToggle(kind)}
      className={clsx(
        'inline-flex h-7 items-center gap-1.5 rounded-md px-2 text-xs ring-1 ring-line ring-inset hover:ring-line-strong',
        isShown ? 'text-ink' : 'text-ink-faint line-through',
      )}
    >
      <span
        aria-hidden
        className="size-2.5"
        style={{ background: isShown ? `var(--${colour})` : 'transparent' }}
      />
      <span className="font-medium">{formatCount(count)}</span> {count === 1 ? one : many}
    </button>
  );
}
