import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { MetricsSnapshot } from '@/api/wire';
import { limitPosts, liveClient } from '@/app/live-client';
import { Button } from '@/components/ui/button';
import { GetStarted } from '@/components/ui/get-started';
import { ChevronIcon } from '@/components/ui/icons';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { StatusBanner } from '@/features/connection/components/status-banner';
import { FilterBar } from '@/features/filters/components/filter-bar';
import { useHistory } from '@/features/live-feed/api/use-history';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import { useMetrics, type Metrics } from '@/features/metrics/api/use-metrics';
import { usePrevious } from '@/features/metrics/api/use-previous';
import { HeadlineStrip } from '@/features/metrics/components/headline-strip';
import { MetricsPanels } from '@/features/metrics/components/metrics-panels';
import { VoicePanel } from '@/features/metrics/components/voice-panel';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { TopPostsPanel } from '@/features/top-posts/components/top-posts-panel';
import { TrendsPanel } from '@/features/trends/components/trends-panel';
import { searchBehind, type Behind, type Drill } from '@/lib/drill';
import { filterOf, isFiltered, parseView, viewToSearch, nameOfWindow, type View } from '@/lib/view';
import { storedPerShown } from '@/live/sampling';
import { liveStore, useLive } from '@/live/store';

/** Figures on the left, alerts and posts on the right. */
export function LivePage() {
  const { view, setView } = useView();
  const pushed = useLive((live) => live.feed.metrics);
  const paused = useLive((live) => live.paused);
  const hasPosts = useLive((live) => live.feed.posts.length > 0);
  const metrics = useMetrics({ view, pushed, paused });
  const history = useFeedFor(view);
  const window = metrics.snapshot?.window;
  const previous = usePrevious(view, window);
  const drill = useDrill(view, window);
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
        live={pushed?.window ?? null}
        choices={choicesOf(pushed ?? metrics.snapshot)}
        provenance={describeProvenance(metrics, view)}
        onChange={setView}
        actions={<Views view={view} onOpen={setView} />}
      />
      <Health />
      <Status asOf={metrics.snapshot?.window.to ?? null} />
      {isEmpty ? (
        <GetStarted />
      ) : (
        <div className="grid gap-3 min-[1180px]:grid-cols-[minmax(0,1fr)_350px]">
          <div className="flex min-w-0 flex-col gap-3">
            {metrics.snapshot?.overall.count === 0 && <NoPosts view={view} window={window} />}
            <HeadlineStrip
              metrics={metrics}
              window={view.window}
              previous={previous?.overall ?? null}
              drill={drill}
            />
            <MetricsPanels metrics={metrics} onSelect={select} drill={drill}>
              <div className="grid lg:col-span-4 lg:h-[17.25rem]">
                <TrendsPanel window={view.window} paused={paused} />
              </div>
              <div className="grid lg:col-span-4 lg:h-[17.25rem]">
                <VoicePanel
                  products={metrics.snapshot?.products ?? NO_PRODUCTS}
                  before={previous?.products ?? null}
                  drill={drill}
                />
              </div>
              <div className="grid lg:col-span-4 lg:h-[17.25rem]">
                {window !== undefined && (
                  <TopPostsPanel
                    view={view}
                    window={window}
                    drill={drill}
                    onOrder={(top) => setView({ ...view, top })}
                  />
                )}
              </div>
            </MetricsPanels>
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

/** One array for every render, so that memoized components do not rerender. */
const NO_PRODUCTS: readonly never[] = [];

/** Links figures to the posts behind them. `open` reads the latest view when called, so that its identity is stable. */
function useDrill(view: View, window: MetricsSnapshot['window'] | undefined): Drill {
  const navigate = useNavigate();
  const searchOf = useCallback(
    (behind: Behind) => (window === undefined ? {} : searchBehind(view, window, behind)),
    [view, window],
  );
  const latest = useRef(searchOf);
  useEffect(() => {
    latest.current = searchOf;
  }, [searchOf]);
  const open = useCallback(
    (behind: Behind) => void navigate({ to: '/explore', search: latest.current(behind) }),
    [navigate],
  );
  return useMemo(() => ({ searchOf, open }), [searchOf, open]);
}

/** Loaded on demand, since few visits use it. */
const ViewsMenu = lazy(async () => {
  const { ViewsMenu } = await import('@/features/explore/components/views-menu');
  return { default: ViewsMenu };
});

/** The saved views of this page. */
function Views({ view, onOpen }: { view: View; onOpen: (view: View) => void }) {
  const [isRequested, setRequested] = useState(false);
  const current = new URLSearchParams(viewToSearch(view)).toString();
  const open = (query: string) => onOpen(parseView(Object.fromEntries(new URLSearchParams(query))));
  const closed = (
    <Button aria-label="Saved views" aria-haspopup="dialog" onClick={() => setRequested(true)}>
      Views
      <ChevronIcon className="size-3.5 text-ink-faint" />
    </Button>
  );
  if (!isRequested) return closed;
  return (
    <Suspense fallback={closed}>
      <ViewsMenu page="live" startsOpen current={current} onOpenView={open} />
    </Suspense>
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

/** Applies the view's filter to the feed and loads earlier posts. */
function useFeedFor(view: View) {
  const filterKey = JSON.stringify(filterOf(view));
  const filter = useMemo(() => JSON.parse(filterKey) as ReturnType<typeof filterOf>, [filterKey]);
  const history = useHistory(filter);
  useEffect(() => liveStore.setFilter(filter), [filter]);
  const limit = isFiltered(filter) ? 'all' : 'usual';
  useEffect(() => limitPosts(limit), [limit]);
  // Only this page filters posts itself.
  useEffect(() => () => limitPosts('usual'), []);
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

/** Explains why the panels are empty and where to find posts. */
function NoPosts({ view, window }: { view: View; window: MetricsSnapshot['window'] | undefined }) {
  const span = nameOfWindow(view.window, window);
  return (
    <p role="status" className="rounded-xl border border-line bg-surface px-4 py-2 text-[13.5px]">
      {isFiltered(view)
        ? `No posts match these filters in the ${span}. Remove a filter or choose a longer window.`
        : `No posts in the ${span}. Choose a longer window to see earlier ones.`}
    </p>
  );
}

function Health() {
  const system = useLive((live) => live.feed.system);
  if (system === null) return null;
  const more = (
    <Link to="/system" className="underline underline-offset-2">
      View system status
    </Link>
  );
  return <HealthBanner system={system} more={more} />;
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
  if (origin.kind === 'socket') return 'Live, all sources';
  const every = origin.everyMs === 1_000 ? 'every second' : `every ${origin.everyMs / 1_000} s`;
  return isFiltered(view)
    ? `Filtered figures refresh ${every}; the feed stays live`
    : `Longer windows refresh ${every}; the feed stays live`;
}
