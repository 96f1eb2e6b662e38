import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import {
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { MetricsSnapshot, Tally } from '@/api/wire';
import { limitPosts, liveClient } from '@/app/live-client';
import { LivePanels } from '@/app/live-panels';
import { useDrill } from '@/app/use-drill';
import { Exportable } from '@/components/export/exportable';
import type { ExportScope } from '@/components/export/scope';
import { Button } from '@/components/ui/button';
import { GetStarted } from '@/components/ui/get-started';
import { ChevronIcon } from '@/components/ui/icons';
import { useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { StatusBanner } from '@/features/connection/components/status-banner';
import { FilterBar } from '@/features/filters/components/filter-bar';
import { useHistory } from '@/features/live-feed/api/use-history';
import type { Figures } from '@/features/metrics/api/get-figures';
import { useMetrics, type Metrics } from '@/features/metrics/api/use-metrics';
import { usePrevious } from '@/features/metrics/api/use-previous';
import { LiveHeadline } from '@/features/metrics/components/live-headline';
import { LeadSentence } from '@/features/metrics/components/lead-sentence';
import { WaitingForFigures } from '@/features/metrics/components/metrics-panels';
import { leadOf } from '@/features/metrics/model/lead';
import {
  formatArrangement,
  isDefault,
  type Arrangement,
} from '@/features/panels/model/arrangement';
import { useArrangement } from '@/features/panels/model/use-arrangement';
import { useCustomising } from '@/features/panels/model/use-customising';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { filterOf, isFiltered, nameOfWindow, parseView, viewToSearch, type View } from '@/lib/view';
import { localZone } from '@/lib/zone';
import { liveStore, useLive } from '@/live/store';

/** The page in a sentence, the headline numbers, and the panels as the view or this browser arranges them. */
export function LivePage() {
  const { view, setView } = useView();
  const pushed = useLive((live) => live.feed.metrics);
  const paused = useLive((live) => live.paused);
  const hasPosts = useLive((live) => live.feed.posts.length > 0);
  const metrics = useMetrics({ view, pushed, paused });
  const history = useFeedFor(view);
  const { snapshot } = metrics;
  const window = snapshot?.window;
  const previous = usePrevious(view, window);
  const drill = useDrill(view, window);
  const { arrangement, customising, customise } = usePanels(view, setView);
  const select = useCallback(
    (key: 'product' | 'channel' | 'city', value: string) => setView({ ...view, [key]: value }),
    [view, setView],
  );
  useEffect(() => {
    document.title = 'Live · Groundswell';
  }, []);
  const isReady = useIsReady(snapshot !== null);
  const isEmpty =
    snapshot?.overall?.count === 0 && !hasPosts && history.isFetched && !isFiltered(view);
  const summary = <Summary metrics={metrics} previous={previous?.overall ?? null} view={view} />;
  const panels = (shown: Arrangement) => (
    <>
      <LiveHeadline
        metrics={metrics}
        window={view.window}
        previous={previous?.overall ?? null}
        drill={drill}
      />
      <LivePanels
        metrics={metrics}
        view={view}
        before={previous?.products ?? null}
        drill={drill}
        arrangement={shown}
        customising={customising}
        fills={view.wall !== undefined}
        onSelect={select}
        onOrder={(top) => setView({ ...view, top })}
      />
    </>
  );
  if (view.wall !== undefined) {
    return (
      <Suspense>
        <LiveWall {...{ view, metrics, summary, arrangement }} onView={setView}>
          {panels}
        </LiveWall>
      </Suspense>
    );
  }
  return (
    <Exportable scope={scopeOf(view, window)} className="flex flex-col gap-3">
      <h1 className="sr-only">Live</h1>
      <FilterBar
        view={view}
        live={pushed?.window ?? null}
        choices={choicesOf(pushed ?? snapshot)}
        provenance={paused ? 'Paused' : describeProvenance(metrics, view)}
        onChange={setView}
        actions={
          <>
            <Views view={view} arrangement={arrangement} onOpen={setView} />
            <CustomiseButton isPressed={customising !== null} onPress={customise} />
            <WallButton onEnter={() => setView({ ...view, wall: 0 })} />
          </>
        }
      />
      <Health />
      <Status asOf={window?.to ?? null} />
      {isEmpty && <GetStarted />}
      {!isEmpty && !isReady && <WaitingForFigures error={metrics.error} />}
      {!isEmpty && isReady && (
        <>
          {summary}
          {snapshot?.overall?.count === 0 && <NoPosts view={view} window={window} />}
          {panels(customising?.draft ?? arrangement)}
        </>
      )}
    </Exportable>
  );
}

/** What the files of the panels say about their figures. */
function scopeOf(view: View, window: MetricsSnapshot['window'] | undefined): ExportScope | null {
  if (window === undefined) return null;
  return {
    ...{ from: window.from, to: window.to, zone: localZone() },
    span: nameOfWindow(view.window, window),
    filters: Object.entries(filterOf(view)).map(([key, value]) => `${key} ${value}`),
  };
}

/** Without figures after this time, the page shows what it has: they may not come at all. */
const READY_AFTER_MS = 3_000;

/** Whether figures and alerts have been loaded, so that neither moves the other when it arrives. */
function useIsReady(hasFigures: boolean): boolean {
  const [isLate, setLate] = useState(false);
  const { isPending } = useOpenAlerts(useLive((live) => live.alerts));
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), READY_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLate || (hasFigures && !isPending);
}

interface SummaryProps {
  metrics: Metrics;
  previous: Tally | null;
  view: View;
}

function Summary({ metrics: { snapshot }, previous, view }: SummaryProps) {
  const { alerts, error, isPending } = useOpenAlerts(useLive((live) => live.alerts));
  if (!snapshot?.overall) return null;
  const span = nameOfWindow(view.window, snapshot.window);
  const areAllKnown = !isPending && error === null;
  const lead = leadOf({ overall: snapshot.overall, previous, span, alerts, areAllKnown });
  return <LeadSentence lead={lead} />;
}

const LiveWall = lazy(async () => {
  const { LiveWall } = await import('@/app/live-wall');
  return { default: LiveWall };
});

/** Shows the page on the whole screen, also by Alt+W. */
function WallButton({ onEnter }: { onEnter: () => void }) {
  const enter = () => {
    // Refused where the browser has no full screen; the wall then fills the window.
    void document.documentElement.requestFullscreen?.().catch(() => undefined);
    onEnter();
  };
  const enterByKey = useEffectEvent(enter);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.altKey && event.code === 'KeyW') enterByKey();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <Button
      className="max-lg:hidden"
      aria-keyshortcuts="Alt+W"
      title="Show on the whole screen (Alt+W)"
      onClick={enter}
    >
      Wall
    </Button>
  );
}

/** Loaded on demand, since few visits use it. */
const ViewsMenu = lazy(async () => {
  const { ViewsMenu } = await import('@/features/explore/components/views-menu');
  return { default: ViewsMenu };
});

interface ViewsProps {
  view: View;
  arrangement: Arrangement;
  onOpen: (view: View) => void;
}

/** The saved views of this page, each with its arrangement unless that is the default. */
function Views({ view, arrangement, onOpen }: ViewsProps) {
  const [isRequested, setRequested] = useState(false);
  const own = isDefault(arrangement) ? {} : { panels: formatArrangement(arrangement) };
  const current = new URLSearchParams(viewToSearch({ ...view, ...own })).toString();
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

/** The arrangement of the panels, and what customises it. */
function usePanels(view: View, setView: (view: View) => void) {
  const onShare = useCallback((panels: string) => setView({ ...view, panels }), [view, setView]);
  const stored = useArrangement({ shared: view.panels, onShare });
  const { customising, start } = useCustomising(stored);
  return { arrangement: stored.arrangement, customising, customise: start };
}

interface CustomiseButtonProps {
  isPressed: boolean;
  onPress: () => void;
}

/** Starts to customise the page. It has the focus again once that ends. */
function CustomiseButton({ isPressed, onPress }: CustomiseButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const wasPressed = useRef(false);
  useEffect(() => {
    if (wasPressed.current && !isPressed) button.current?.focus();
    wasPressed.current = isPressed;
  }, [isPressed]);
  return (
    <Button ref={button} aria-pressed={isPressed} disabled={isPressed} onClick={onPress}>
      Customise
    </Button>
  );
}

/** Applies the view's filter to the feed and loads earlier posts. */
function useFeedFor(view: View) {
  const filterKey = JSON.stringify(filterOf(view));
  const filter = useMemo(() => JSON.parse(filterKey) as ReturnType<typeof filterOf>, [filterKey]);
  const history = useHistory(filter);
  const key = JSON.stringify([view.window, filter]);
  useEffect(() => liveStore.setView(filter, key), [filter, key]);
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
    <p role="status" className="rounded-md border border-line bg-surface px-4 py-2 text-sm">
      {isFiltered(view)
        ? `No posts match these filters in the ${span}. Remove a filter or choose a longer window.`
        : `No posts in the ${span}. Choose a longer window to see earlier ones.`}
    </p>
  );
}

function Health() {
  const system = useLive((live) => live.system);
  if (system === null) return null;
  const more = (
    <Link to="/system" className="underline underline-offset-2">
      View system status
    </Link>
  );
  return <HealthBanner system={system} more={more} />;
}

function choicesOf(snapshot: Pick<Figures, 'sources' | 'platforms' | 'products'> | null) {
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
