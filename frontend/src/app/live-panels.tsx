import { lazy, Suspense, type ReactNode } from 'react';
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

const CustomiseBar = lazy(async () => {
  const { CustomiseBar } = await import('@/features/panels/components/customise');
  return { default: CustomiseBar };
});

const PanelControls = lazy(async () => {
  const { PanelControls } = await import('@/features/panels/components/customise');
  return { default: PanelControls };
});

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
  const controls = (panel: PlacedPanel) =>
    customising && (
      <Suspense>
        <PanelControls panel={panel} customising={customising} />
      </Suspense>
    );
  return (
    <>
      {customising !== null && (
        <Suspense>
          <CustomiseBar customising={customising} />
        </Suspense>
      )}
      <MetricsPanels {...{ metrics, onSelect, drill }} filter={view}>
        {(panels: MetricsPanelSet) => (
          <PanelGrid
            arrangement={arrangement}
            fills={fills}
            panels={{ ...panels, ...others }}
            controls={customising === null ? undefined : controls}
          />
        )}
      </MetricsPanels>
    </>
  );
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
