import { useIsFetching, useQueryClient } from '@tanstack/react-query';
import { clsx } from 'clsx';
import { useCallback, type ReactNode } from 'react';
import type { PostDetails } from '@/api/wire';
import { Button } from '@/components/ui/button';
import { NativeSelect } from '@/components/ui/field';
import { QueryStatus } from '@/components/ui/query-status';
import { EXPLORE_KEY, useSeries } from '@/features/explore/api/use-sums';
import { BreakdownPanel } from '@/features/explore/components/breakdown-panel';
import { ExportMenu } from '@/features/explore/components/export-menu';
import { FilterRow } from '@/features/explore/components/filter-row';
import { Headline } from '@/features/explore/components/headline';
import { PostSheet } from '@/features/explore/components/post-sheet';
import { PostsPanel } from '@/features/explore/components/posts-panel';
import { RangeControl } from '@/features/explore/components/range-control';
import { PHONE_LINE } from '@/features/explore/components/phone-line';
import { SeriesPanel } from '@/features/explore/components/series-panel';
import { ViewsMenu } from '@/features/explore/components/views-menu';
import {
  queryToSearch,
  STEPS,
  withFilter,
  withRange,
  type ExploreQuery,
} from '@/features/explore/model/query';

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
  const narrow = useCallback(
    (from: string, to: string, label: string | null) => {
      const narrowed = withRange(query, from, to);
      onChange(label === null ? narrowed : withFilter(narrowed, 'label', label));
    },
    [query, onChange],
  );
  const withoutPost = { ...query };
  delete withoutPost.post;
  return (
    <div className="flex flex-col gap-3">
      <div className={`${PHONE_LINE} flex flex-wrap items-center gap-2`}>
        <RangeControl query={query} range={series.data?.range} onChange={onChange} />
        <div className="flex flex-wrap items-center gap-2 max-sm:contents max-sm:*:shrink-0 min-[1180px]:ml-auto">
          <StepSelect query={query} onChange={onChange} />
          <Button
            aria-pressed={query.compare}
            className={clsx(query.compare && 'border-brand! bg-highlight!')}
            onClick={() => onChange({ ...query, compare: !query.compare })}
          >
            Compare
          </Button>
          <RefreshButton />
          <ViewsMenu
            page="explore"
            current={new URLSearchParams(queryToSearch(withoutPost)).toString()}
            onOpenView={onOpenView}
          />
          <ExportMenu query={query} />
        </div>
      </div>
      <FilterRow query={query} onChange={onChange} />
      <QueryStatus query={series} what="figures" rows={7} />
      {series.data !== undefined && (
        <div
          className={clsx('flex flex-col gap-3', series.isPlaceholderData && 'opacity-60')}
          aria-busy={series.isPlaceholderData}
        >
          <Headline
            series={series.data}
            onNarrow={(key, value) => onChange(withFilter(query, key, value))}
          />
          <SeriesPanel series={series.data} onNarrow={narrow} className="min-h-80" />
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
    </div>
  );
}

function StepSelect({ query, onChange }: Pick<ExploreViewProps, 'query' | 'onChange'>) {
  return (
    <NativeSelect
      aria-label="Time step"
      className="[&_select]:h-8 [&_select]:text-[13px]"
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
    </NativeSelect>
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
