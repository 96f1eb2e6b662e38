import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import type { MetricsSnapshot } from '@/api/wire';
import { limitPosts, liveClient } from '@/app/live-client';
import { GetStarted } from '@/components/ui/get-started';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { StatusBanner } from '@/features/connection/components/status-banner';
import { FilterBar } from '@/features/filters/components/filter-bar';
import { useHistory } from '@/features/live-feed/api/use-history';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import { useMetrics, type Metrics } from '@/features/metrics/api/use-metrics';
import { HeadlineStrip } from '@/features/metrics/components/headline-strip';
import { MetricsPanels } from '@/features/metrics/components/metrics-panels';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { filterOf, isFiltered, parseView, viewToSearch, WINDOW_NAMES, type View } from '@/lib/view';
import { storedPerShown } from '@/live/sampling';
import { liveStore, useLive } from '@/live/store';

/** The page: figures on the left, people on the right. */
export function LivePage() {
  const { view, setView } = useView();
  const pushed = useLive((live) => live.feed.metrics);
  const paused = useLive((live) => live.paused);
  const hasPosts = useLive((live) => live.feed.posts.length > 0);
  const metrics = useMetrics({ view, pushed, paused });
  const history = useFeedFor(view);
  const select = useCallback(
    (key: 'product' | 'channel' | 'city', value: string) => setView({ ...view, [key]: value }),
    [view, setView],
  );
  useEffect(() => {
    document.title = 'Live · Groundswell';
  }, []);
  const isEmpty =
    metrics.snapshot?.overall.count === 0 && !hasPosts && history.isFetched && !isFiltered(view);
  return (
    <div className="flex flex-col gap-3">
      <h1 className="sr-only">Live</h1>
      <FilterBar
        view={view}
        choices={choicesOf(pushed ?? metrics.snapshot)}
        provenance={describeProvenance(metrics, view)}
        onChange={setView}
      />
      <Health />
      <Status asOf={metrics.snapshot?.window.to ?? null} />
      {isEmpty ? (
        <GetStarted />
      ) : (
        <div className="grid gap-3 min-[1180px]:grid-cols-[minmax(0,1fr)_350px]">
          <div className="flex min-w-0 flex-col gap-3">
            {metrics.snapshot?.overall.count === 0 && <Quiet view={view} />}
            <HeadlineStrip metrics={metrics} window={view.window} />
            <MetricsPanels metrics={metrics} onSelect={select} />
          </div>
          <aside
            aria-label="Alerts and posts"
            className="flex min-w-0 flex-col gap-3 min-[1180px]:sticky min-[1180px]:top-16 min-[1180px]:h-[calc(100dvh-4.75rem)]"
          >
            <Alerts />
            <LiveFeed isFiltered={isFiltered(view)} />
          </aside>
        </div>
      )}
    </div>
  );
}

function useView() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const view = useMemo(() => parseView(search), [search]);
  const setView = useCallback(
    (next: View) => void navigate({ to: '/', search: viewToSearch(next) }),
    [navigate],
  );
  return { view, setView };
}

/** Keeps the feed to the view's filter, and fills it with what came before. */
function useFeedFor(view: View) {
  const filterKey = JSON.stringify(filterOf(view));
  const filter = useMemo(() => JSON.parse(filterKey) as ReturnType<typeof filterOf>, [filterKey]);
  const history = useHistory(filter);
  useEffect(() => liveStore.setFilter(filter), [filter]);
  const limit = isFiltered(filter) ? 'all' : 'usual';
  useEffect(() => limitPosts(limit), [limit]);
  useEffect(() => {
    if (history.data !== undefined) liveStore.addHistory(history.data);
  }, [history.data]);
  return history;
}

function Status({ asOf }: { asOf: string | null }) {
  const connection = useLive((live) => live.connection);
  const pausedAt = useLive((live) => live.pausedAt);
  const held = useLive((live) => live.held);
  return (
    <StatusBanner
      connection={connection}
      asOf={asOf}
      pausedAt={pausedAt}
      held={held}
      onRetry={liveClient.retryNow}
      onResume={() => liveStore.setPaused(false)}
    />
  );
}

/** Empty panels look broken; this says that they are not, and where the posts are. */
function Quiet({ view }: { view: View }) {
  return (
    <p role="status" className="rounded-xl border border-line bg-surface px-4 py-2 text-[13.5px]">
      {isFiltered(view)
        ? `No post matches these filters in the ${WINDOW_NAMES[view.window]}. Take a filter away, or choose a longer window.`
        : `All quiet: no post in the ${WINDOW_NAMES[view.window]}. Earlier ones are in a longer window.`}
    </p>
  );
}

function Health() {
  const system = useLive((live) => live.feed.system);
  return system === null ? null : <HealthBanner system={system} />;
}

function Alerts() {
  const pushed = useLive((live) => live.alerts);
  return <AlertsPanel pushed={pushed} className="max-h-80 shrink-0" />;
}

function LiveFeed({ isFiltered }: { isFiltered: boolean }) {
  const posts = useLive((live) => live.feed.posts);
  const oneIn = useLive(({ feed }) =>
    storedPerShown(feed.sampling, feed.metrics?.rate.feed_share ?? 1),
  );
  return (
    <FeedPanel
      posts={posts}
      oneIn={oneIn}
      isFiltered={isFiltered}
      className="h-[36rem] min-[1180px]:h-auto min-[1180px]:min-h-0 min-[1180px]:flex-1"
    />
  );
}

function choicesOf(snapshot: MetricsSnapshot | null) {
  return {
    sources: snapshot?.sources ?? [],
    platforms: snapshot?.platforms ?? [],
    products: snapshot?.products ?? [],
  };
}

function describeProvenance({ origin }: Metrics, view: View): string {
  if (origin.kind === 'socket') return 'Pushed as it happens, all sources together';
  const every = origin.everyMs === 1_000 ? 'every second' : `every ${origin.everyMs / 1_000} s`;
  return isFiltered(view)
    ? `Filtered figures are asked for ${every}; the feed stays live`
    : `Longer windows are asked for ${every}; the feed stays live`;
}
