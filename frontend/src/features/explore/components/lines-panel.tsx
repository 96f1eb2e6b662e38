import { clsx } from 'clsx';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { linesScene } from '@/components/charts/lines-scene';
import { usePalette, type Palette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { countColumn, csvOf, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useLines } from '@/features/explore/api/use-sums';
import type { LinesAnswer } from '@/features/explore/api/wire';
import { DIMENSION_NAMES, nameOf } from '@/features/explore/model/names';
import type { ExploreQuery } from '@/features/explore/model/query';
import { describeOrigin } from '@/features/explore/model/sample';
import { STEP_SECONDS, withUnfinished } from '@/features/explore/model/steps';
import { formatCount } from '@/lib/format';
import { formatterOf } from '@/lib/time';

interface LinesPanelProps {
  query: ExploreQuery;
  /** Controls beside the title. */
  actions: ReactNode;
  /** Narrows the page to a period. */
  onNarrow: (from: string, to: string) => void;
  className: string;
}

/** The breakdown over time: a line for each of the keys with the most posts. */
export function LinesPanel({ query, actions, onNarrow, className }: LinesPanelProps) {
  const lines = useLines(query);
  const answer = lines.data?.by === query.by ? lines.data : undefined;
  const title = `${DIMENSION_NAMES[query.by]} over time`;
  if (answer === undefined || answer.items.length === 0) {
    return (
      <Panel title={title} className={className} actions={actions}>
        <QueryStatus
          query={{ ...lines, isPending: answer === undefined && lines.error === null }}
          what="lines"
          rows={7}
        />
        {answer !== undefined && <Empty title="No data for this breakdown" />}
      </Panel>
    );
  }
  return (
    // The key shows all lines again when the dimension changes.
    <LinesChart
      key={query.by}
      {...{ title, answer, actions, onNarrow }}
      className={clsx(className, lines.isPlaceholderData && 'opacity-60')}
    />
  );
}

interface Line {
  id: string;
  name: string;
  colour: keyof Palette;
  counts: number[];
}

const OTHER = 'other';

function linesOf({ by, items, other }: LinesAnswer): Line[] {
  const counted = (points: LinesAnswer['items'][number]['points']) =>
    points.map(({ count }) => count);
  const lines = items.map(({ key, points }, i): Line => ({
    id: `key:${key}`,
    name: nameOf(by, key),
    colour: `line-${(i % 8) + 1}` as keyof Palette,
    counts: counted(points),
  }));
  if (other == null) return lines;
  return [...lines, { id: OTHER, name: 'All others', colour: 'neutral', counts: counted(other) }];
}

interface LinesChartProps extends Omit<LinesPanelProps, 'query'> {
  title: string;
  answer: LinesAnswer;
}

function LinesChart({ title, answer, actions, onNarrow, className }: LinesChartProps) {
  const palette = usePalette();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const { range, tz, step } = answer;
  const lines = useMemo(() => linesOf(answer), [answer]);
  const steps = useMemo(() => withUnfinished(answer.steps, step), [answer.steps, step]);
  const formatTime = useMemo(
    () => formatterOf({ seconds: range.seconds, stepSeconds: STEP_SECONDS[step], zone: tz }),
    [tz, step, range.seconds],
  );
  const sceneOf = useMemo(() => {
    const shown = lines.filter(({ id }) => !hidden.has(id));
    return linesScene({
      ...{ palette, steps, formatTime },
      lines: shown.map((line) => ({ ...line, colour: palette[line.colour] })),
    });
  }, [palette, steps, lines, hidden, formatTime]);
  type Step = (typeof steps)[number];
  const open = useCallback(({ from, to }: Step) => onNarrow(from, to), [onNarrow]);
  const zoom = useCallback((first: Step, last: Step) => onNarrow(first.from, last.to), [onNarrow]);
  const contents: TableContents<Step> = {
    keyHead: 'Time',
    rows: steps.toReversed(),
    keyOf: startOf,
    nameOf: ({ from }) => formatTime(from),
    columns: lines.map(({ name, counts }) =>
      countColumn<Step>(name, (row) => counts[steps.indexOf(row)] ?? 0),
    ),
  };
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    setHidden(next);
  };
  return (
    <Panel
      title={title}
      note={`by ${step}, ${tz} · ${describeOrigin(answer)}`}
      className={className}
      actions={actions}
      exported={() => ({
        ...csvOf(contents, startOf),
        legend: lines
          .filter(({ id }) => !hidden.has(id))
          .map(({ name, colour }) => ({ text: name, colour })),
      })}
      table={
        <DataTable
          caption={`Posts over time, ${title.toLowerCase()}`}
          {...contents}
          onSelect={(from) => {
            const chosen = steps.find((item) => item.from === from);
            if (chosen !== undefined) open(chosen);
          }}
        />
      }
    >
      <ul aria-label="Lines" className="-mx-1 mt-1 flex flex-wrap gap-x-1">
        {lines.map(({ id, name, colour }) => (
          <li key={id}>
            <button
              type="button"
              aria-pressed={!hidden.has(id)}
              title={hidden.has(id) ? `Show ${name}` : `Hide ${name}`}
              className="caption flex max-w-48 items-center gap-1.5 rounded-md px-1.5 py-1 hover:bg-sunken"
              onClick={() => toggle(id)}
            >
              <span
                className="size-2.5 shrink-0 border-2"
                style={{
                  borderColor: `var(--${colour})`,
                  background: hidden.has(id) ? 'transparent' : `var(--${colour})`,
                }}
              />
              <span className={clsx('truncate', hidden.has(id) && 'line-through')}>{name}</span>
            </button>
          </li>
        ))}
      </ul>
      <Plot
        label={describe(title, answer)}
        sceneOf={sceneOf}
        onOpen={open}
        onRange={zoom}
        className="min-h-64 flex-1"
      />
    </Panel>
  );
}

const startOf = ({ from }: { from: string }) => from;

function describe(title: string, { by, items }: LinesAnswer): string {
  const counts = items.map(({ key, count }) => `${nameOf(by, key)} ${formatCount(count)}`);
  return `${title}: ${counts.join(', ')}`;
}
