import { useIsFetching, useQueryClient } from '@tanstack/react-query';
import { clsx } from 'clsx';
import { useCallback, useMemo, type ReactNode } from 'react';
import type { PostDetails } from '@/api/wire';
import { Exportable } from '@/components/export/exportable';
import type { ExportScope } from '@/components/export/scope';
import { Button } from '@/components/ui/button';
import { Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Select } from '@/components/ui/select';
import { Segmented } from '@/components/ui/segmented';
import { EXPLORE_KEY, useOtherValue, useSeries } from '@/features/explore/api/use-sums';
import type { SeriesAnswer } from '@/features/explore/api/wire';
import { BreakdownPanel } from '@/features/explore/components/breakdown-panel';
import { CompareMenu } from '@/features/explore/components/compare-menu';
import { ExportMenu } from '@/features/explore/components/export-menu';
import { FilterRow } from '@/features/explore/components/filter-row';
import { Headline } from '@/features/explore/components/headline';
import { LinesPanel } from '@/features/explore/components/lines-panel';
import { PostSheet } from '@/features/explore/components/post-sheet';
import { PostsPanel } from '@/features/explore/components/posts-panel';
import { RangeControl } from '@/features/explore/components/range-control';
import { PHONE_LINE } from '@/features/explore/components/phone-line';
import { SeriesPanel } from '@/features/explore/components/series-panel';
import { ViewsMenu } from '@/features/explore/components/views-menu';
import { nameComparison } from '@/features/explore/model/comparison';
import { describeFilters, DIMENSION_NAMES } from '@/features/explore/model/names';
import {
  queryToSearch,
  RANGE_NAMES,
  STEPS,
  withFilter,
  withRange,
  type ExploreQuery,
} from '@/features/explore/model/query';
import { toQueryString } from '@/lib/api-client';

interface ExploreViewProps {
  query: ExploreQuery;
  onChange: (query: ExploreQuery) => void;
  /** Opens a saved view, which is a query string. */
  onOpenView: (search: string) => void;
  renderScores: (details: PostDetails) => ReactNode;
}

/** Volume, sentiment, breakdown and posts of any period. */
export function ExploreView({ query, onChange, onOpenView, renderScores }: ExploreViewProps) {
  const series = useSeries(query);
  const other = useOtherValue(query, series.data);
  const shown = useMemo(
    () => series.data && withOther(series.data, other.data),
    [series.data, other.data],
  );
  const comparedWith = nameComparison(query, series.data);
  const narrow = useCallback(
    (from: string, to: string, label: string | null) => {
      const narrowed = withRange(query, from, to);
      onChange(label === null ? narrowed : withFilter(narrowed, 'label', label));
    },
    [query, onChange],
  );
  const withoutPost = { ...query };
  delete withoutPost.post;
  const chart = (
    <Segmented
      label="Chart"
      value={query.lines ? 'lines' : 'total'}
      options={[
        { value: 'total', text: 'Total' },
        { value: 'lines', text: `By ${DIMENSION_NAMES[query.by].toLowerCase()}` },
      ]}
      onChange={(kind) => onChange({ ...query, lines: kind === 'lines' })}
    />
  );
  return (
    <Exportable scope={scopeOf(query, series.data)} className="flex flex-col gap-3">
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2`}>
        <RangeControl query={query} range={series.data?.range} onChange={onChange} />
        <div className="flex flex-wrap items-center gap-2 max-sm:contents max-sm:*:shrink-0 min-[1180px]:ml-auto">
          <StepSelect query={query} onChange={onChange} />
          <CompareMenu query={query} range={series.data?.range} onChange={onChange} />
          <RefreshButton />
          <ViewsMenu
            page="explore"
            current={toQueryString(queryToSearch(withoutPost)).slice(1)}
            onOpenView={onOpenView}
          />
          <ExportMenu query={query} />
        </div>
      </div>
      <FilterRow query={query} onChange={onChange} />
      <QueryStatus query={{ ...series, isPending: false }} what="figures" rows={7} />
      {(series.data !== undefined || series.isPending) && (
        <div
          className={clsx('flex flex-col gap-3', series.isPlaceholderData && 'opacity-60')}
          aria-busy={series.isPending || series.isPlaceholderData}
        >
          <Headline
            series={shown}
            comparedWith={comparedWith}
            onNarrow={(key, value) => onChange(withFilter(query, key, value))}
          />
          <QueryStatus query={{ ...other, isPending: false }} what="comparison" rows={1} />
          {query.lines ? (
            <LinesPanel
              query={query}
              actions={chart}
              onNarrow={(from, to) => narrow(from, to, null)}
              className="min-h-80"
            />
          ) : shown === undefined ? (
            <Panel title="Volume and sentiment" className="min-h-80">
              <Skeleton rows={7} label="Loading figures" />
            </Panel>
          ) : (
            <SeriesPanel
              series={shown}
              filters={query.filters}
              comparedWith={comparedWith}
              actions={chart}
              onNarrow={narrow}
              className="min-h-80"
            />
          )}
        </div>
      )}
      <div className="grid items-start gap-3 min-[1000px]:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
        <BreakdownPanel
          query={query}
          onBy={(by) => onChange({ ...query, by })}
          onNarrow={(by, key) => onChange(withFilter(query, by, key))}
        />
        <PostsPanel
          query={query}
          onOrder={(order) => onChange({ ...query, order })}
          onOpen={(post) => onChange({ ...query, post })}
        />
      </div>
      {query.post !== undefined && (
        <PostSheet
          uuid={query.post}
          tz={query.tz}
          onClose={() => onChange(withoutPost)}
          renderScores={renderScores}
        />
      )}
    </Exportable>
  );
}

/** What the files of the panels say about their figures. */
function scopeOf(query: ExploreQuery, series: SeriesAnswer | undefined): ExportScope | null {
  if (series === undefined) return null;
  return {
    ...{ from: series.range.from, to: series.range.to, zone: query.tz },
    span: query.from === undefined ? RANGE_NAMES[query.window] : '',
    filters: describeFilters(query.filters),
  };
}

/** The series, compared with that of another value if there is one. */
function withOther(series: SeriesAnswer, other: SeriesAnswer | undefined): SeriesAnswer {
  return other === undefined ? series : { ...series, previous: other.items };
}

function StepSelect({ query, onChange }: Pick<ExploreViewProps, 'query' | 'onChange'>) {
  return (
    <Select
      aria-label="Time step"
      isCompact
      value={query.step}
      onChange={({ target }) =>
        onChange({ ...query, step: STEPS.find((step) => step === target.value) ?? 'auto' })
      }
    >
      {STEPS.map((step) => (
        <option key={step} value={step}>
          {step === 'auto' ? 'Automatic step' : `By ${step}`}
        </option>
      ))}
    </Select>
  );
}

/** Reloads the page's data, which does not update by itself. */
function RefreshButton() {
  const client = useQueryClient();
  const isFetching = useIsFetching({ queryKey: EXPLORE_KEY }) > 0;
  return (
    <Button
      disabled={isFetching}
      onClick={() => void client.invalidateQueries({ queryKey: EXPLORE_KEY })}
    >
      {isFetching ? 'Loading…' : 'Refresh'}
    </Button>
  );
}
