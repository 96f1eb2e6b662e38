import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import type { Previous } from '@/features/metrics/api/use-previous';
import { MetricsPanels, type MetricsPanelSet } from '@/features/metrics/components/metrics-panels';
import { VoicePanel } from '@/features/metrics/components/voice-panel';
import { PanelGrid } from '@/features/panels/components/panel-grid';
import type { Arrangement, PanelId, PlacedPanel } from '@/features/panels/model/arrangement';
import type { Customising } from '@/features/panels/model/use-customising';
import { TopPostsPanel } from '@/features/top-posts/components/top-posts-panel';
import { TrendsPanel } from '@/features/trends/components/trends-panel';
import type { Drill } from '@/lib/drill';
import { usePaced } from '@/lib/use-paced';
import { isFiltered, type TopOrder, type View } from '@/lib/view';
import { storedPerShown } from '@/live/sampling';
import { useLive } from '@/live/store';

interface LivePanelsProps {
  metrics: Metrics;
  view: View;
  /** The products of the previous period; null while unknown. */
  before: Previous['products'] | null;
  drill: Drill;
  arrangement: Arrangement;
  /** Null unless the person customises the page. */
  customising: Customising | null;
  /** Whether the panels share the height of the screen. */
  fills?: boolean;
  onSelect: (key: 'product' | 'channel' | 'city', value: string) => void;
  onOrder: (order: TopOrder) => void;
}

/** The panels of the Live page. A hidden panel is not mounted and requests nothing. */
export function LivePanels(props: LivePanelsProps) {
  const { metrics, view, drill, arrangement, customising, fills = false, onSelect } = props;
  const others = useOtherPanels(props);
  const parts = useCustomiseParts(customising !== null);
  const controls =
    customising !== null && parts !== undefined
      ? (panel: PlacedPanel) => <parts.PanelControls panel={panel} customising={customising} />
      : undefined;
  return (
    <>
      {customising !== null && parts !== undefined && (
        <parts.CustomiseBar customising={customising} />
      )}
      <MetricsPanels {...{ metrics, onSelect, drill }} filter={view}>
        {(panels: MetricsPanelSet) => (
          <PanelGrid
            arrangement={arrangement}
            fills={fills}
            panels={{ ...panels, ...others }}
            controls={controls}
          />
        )}
      </MetricsPanels>
    </>
  );
}

/**
 * What customises the panels, loaded on demand; undefined until then.
 *
 * The bar and the handles appear in one frame. As lazy components, the bar could appear later and push the handles down,
 * away from a pointer that is about to press one.
 */
function useCustomiseParts(isWanted: boolean) {
  const { data } = useQuery({
    queryKey: ['customise-parts'],
    queryFn: () => import('@/features/panels/components/customise'),
    enabled: isWanted,
    staleTime: Infinity,
    throwOnError: true,
  });
  return data;
}

/** The panels that are not about the figures of the window. */
function useOtherPanels({ metrics: { snapshot }, view, before, drill, onOrder }: LivePanelsProps) {
  const pausedAt = useLive((live) => live.pausedAt);
  const panels: Partial<Record<PanelId, ReactNode>> = {
    alerts: <Alerts />,
    terms: <TrendsPanel window={view.window} paused={pausedAt !== null} />,
    feed: <LiveFeed isFiltered={isFiltered(view)} />,
  };
  if (snapshot === null) return panels;
  return {
    ...panels,
    voice: (
      <VoicePanel
        products={snapshot.products ?? NO_PRODUCTS}
        before={before}
        filtered={view.product}
        drill={drill}
      />
    ),
    top: <TopPostsPanel {...{ view, drill, pausedAt, onOrder }} window={snapshot.window} />,
  };
}

/** One array for every render, so that memoized components do not rerender. */
const NO_PRODUCTS: readonly never[] = [];

function Alerts() {
  const pushed = useLive((live) => live.alerts);
  return <AlertsPanel pushed={pushed} className="max-lg:max-h-80" />;
}

/** Posts that arrive within this time are added together, so that the list can be read and clicked between. */
const FEED_EVERY_MS = 1_200;

function LiveFeed({ isFiltered }: { isFiltered: boolean }) {
  const received = useLive((live) => live.feed.posts);
  const pausedAt = useLive((live) => live.pausedAt);
  // Another filter has emptied the list.
  const isUrgent = pausedAt !== null || received.length === 0;
  const posts = usePaced(received, { everyMs: FEED_EVERY_MS, isUrgent });
  const oneIn = useLive(({ feed }) =>
    storedPerShown(feed.sampling, feed.metrics?.rate.feed_share ?? 1),
  );
  return (
    <FeedPanel
      posts={posts}
      oneIn={oneIn}
      isFiltered={isFiltered}
      pausedAt={pausedAt}
      className="max-lg:h-[36rem]"
    />
  );
}
