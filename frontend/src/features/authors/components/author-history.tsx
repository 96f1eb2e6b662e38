import { useMemo } from 'react';
import { usePalette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { volumeScene } from '@/components/charts/volume-scene';
import { LABEL_COLOURS } from '@/components/export/legend';
import {
  averageColumn,
  countColumn,
  csvOf,
  shareColumn,
  type Column,
  type TableContents,
} from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { LabelLegend } from '@/components/ui/label-legend';
import { Panel } from '@/components/ui/panel';
import type { AuthorProfile, AuthorStep } from '@/features/authors/api/use-author';
import { formatCount, formatSigned } from '@/lib/format';
import { formatterOf } from '@/lib/time';

const STEP_SECONDS = { minute: 60, hour: 3_600, day: 86_400, week: 7 * 86_400 };

const startOf = ({ from }: AuthorStep) => from;

const COLUMNS: readonly Column<AuthorStep>[] = [
  countColumn('Posts', ({ count }) => count),
  averageColumn('Average', ({ sentiment }) => sentiment.average),
  shareColumn(
    'Negative',
    ({ sentiment }) => sentiment.negative,
    ({ count }) => count,
  ),
  countColumn('High churn', ({ churn }) => churn.high),
  countColumn('Reach', ({ reach }) => reach),
  {
    head: 'Followers',
    cell: ({ followers }) => (followers == null ? '–' : formatCount(followers)),
    value: ({ followers }) => followers ?? null,
  },
  countColumn(
    'Engagement',
    ({ engagement: { likes, shares, comments } }) => (likes ?? 0) + (shares ?? 0) + (comments ?? 0),
  ),
];

/** Volume and sentiment over time; reach and followers are in the table. */
export function AuthorHistory({ profile }: { profile: AuthorProfile }) {
  const palette = usePalette();
  const { items, range, tz, step } = profile;
  const formatTime = useMemo(
    () => formatterOf({ seconds: range.seconds, stepSeconds: STEP_SECONDS[step], zone: tz }),
    [range.seconds, step, tz],
  );
  const sceneOf = useMemo(() => {
    const steps = items.map((item) => ({ ...item, isUnfinished: !item.complete }));
    return volumeScene({ palette, items: steps, formatTime });
  }, [palette, items, formatTime]);
  const posted = items.filter(({ count }) => count > 0);
  const contents: TableContents<AuthorStep> = {
    keyHead: 'Time',
    rows: posted.toReversed(),
    keyOf: startOf,
    nameOf: ({ from }) => formatTime(from),
    columns: COLUMNS,
  };
  return (
    <Panel
      title="Volume and sentiment"
      note={`by ${step}, ${tz}`}
      actions={<LabelLegend />}
      exported={() => ({ ...csvOf(contents, startOf), legend: LABEL_COLOURS })}
      table={<DataTable caption="Posts over time" {...contents} />}
      className="min-h-80"
    >
      <Plot label={describe(profile, formatTime)} sceneOf={sceneOf} className="min-h-64 flex-1" />
      {describeFollowers(posted) !== null && (
        <p className="caption mt-1">{describeFollowers(posted)}</p>
      )}
    </Panel>
  );
}

function describe({ count, sentiment, items }: AuthorProfile, formatTime: (at: string) => string) {
  const most = items.reduce<AuthorStep | null>(
    (best, step) => (best === null || step.count > best.count ? step : best),
    null,
  );
  return count === 0 || most === null
    ? 'Volume and sentiment: no posts in this period'
    : `Volume and sentiment: ${formatCount(count)} posts, average ${formatSigned(sentiment.average)}; peak of ${formatCount(most.count)} at ${formatTime(most.from)}`;
}

/** `Followers: 120 → 1,350`: at the first and the last post; null if fewer than two steps have a number. */
export function describeFollowers(posted: readonly AuthorStep[]): string | null {
  const known = posted.flatMap(({ followers }) => (followers == null ? [] : [followers]));
  const [first, last] = [known[0], known.at(-1)];
  if (known.length < 2 || first === undefined || last === undefined) return null;
  return first === last
    ? `Followers: ${formatCount(last)} throughout`
    : `Followers: ${formatCount(first)} → ${formatCount(last)}`;
}
