import { useCallback, useEffect, type ReactNode } from 'react';
import { ConnectionPill } from '@/features/connection/components/connection-pill';
import { useViews } from '@/features/explore/api/use-views';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { isDefault, type Arrangement } from '@/features/panels/model/arrangement';
import { Wall } from '@/features/wall/components/wall';
import { outdatedAfterMs } from '@/features/wall/model/freshness';
import { nextQuery } from '@/features/wall/model/rotation';
import { capitalize } from '@/lib/format';
import { filterOf, nameOfWindow, parseView, viewToSearch, type View } from '@/lib/view';
import { liveStore, useLive } from '@/live/store';

interface LiveWallProps {
  view: View;
  metrics: Metrics;
  summary: ReactNode;
  onView: (view: View) => void;
  /** The panels as the view or this browser arranges them. */
  arrangement: Arrangement;
  /** Renders the headline numbers and the panels. */
  children: (arrangement: Arrangement) => ReactNode;
}

/** All panels would be too small on a wall; whoever arranges them decides. */
const WALL_ARRANGEMENT: Arrangement = [
  { id: 'alerts', cols: 3, rows: 7 },
  { id: 'trend', cols: 9, rows: 7 },
  { id: 'terms', cols: 3, rows: 7 },
  { id: 'voice', cols: 3, rows: 7 },
  { id: 'cities', cols: 3, rows: 7 },
  { id: 'feed', cols: 3, rows: 7 },
];

/** The Live page on a screen on the wall. */
export function LiveWall({ view, metrics, summary, arrangement, onView, children }: LiveWallProps) {
  const connection = useLive((live) => live.connection);
  const { snapshot, origin } = metrics;
  const leave = useCallback(() => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    onView(withoutWall(view));
  }, [view, onView]);
  const rotation = view.wall ?? 0;
  useRotation(view, rotation, onView);
  // Nobody would notice that a wall is paused.
  useEffect(() => liveStore.setPaused(false), []);
  const isArranged = view.panels !== undefined || !isDefault(arrangement);
  return (
    <Wall
      title={titleOf(view, snapshot?.window ?? null)}
      summary={summary}
      connection={<ConnectionPill connection={connection} paused={false} />}
      isConnected={connection.state === 'live'}
      asOf={snapshot?.window.to ?? null}
      outdatedAfterMs={outdatedAfterMs(origin.kind === 'polled' ? origin.everyMs : null)}
      rotation={rotation}
      onRotate={(wall) => onView({ ...view, wall })}
      onLeave={leave}
    >
      {children(isArranged ? arrangement : WALL_ARRANGEMENT)}
    </Wall>
  );
}

/** Opens the next saved view of this page every so many seconds. */
function useRotation(view: View, seconds: number, onView: (view: View) => void) {
  const { data: views } = useViews('live', seconds > 0);
  useEffect(() => {
    if (seconds === 0 || views === undefined) return;
    const timer = setTimeout(() => {
      const current = new URLSearchParams(viewToSearch(withoutWall(view))).toString();
      const next = nextQuery(
        views.map(({ query }) => query),
        current,
      );
      if (next === null) return;
      onView({ ...parseView(Object.fromEntries(new URLSearchParams(next))), wall: seconds });
    }, seconds * 1_000);
    return () => clearTimeout(timer);
  }, [view, seconds, views, onView]);
}

function withoutWall(view: View): View {
  const shown = { ...view };
  delete shown.wall;
  return shown;
}

function titleOf(view: View, window: { seconds: number } | null): string {
  const filters = Object.values(filterOf(view));
  return [capitalize(nameOfWindow(view.window, window)), ...filters].join(' · ');
}
