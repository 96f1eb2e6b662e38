import { clsx } from 'clsx';
import { useCallback, type ReactNode } from 'react';
import { Cell } from '@/components/ui/cell';
import type { Part } from '@/features/metrics/api/get-figures';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { ChannelPanel } from '@/features/metrics/components/channel-panel';
import { CityPanel } from '@/features/metrics/components/city-panel';
import { EmotionPanel } from '@/features/metrics/components/emotion-panel';
import { FailedPanel } from '@/features/metrics/components/failed-panel';
import { ProductPanel } from '@/features/metrics/components/product-panel';
import { TrendPanel } from '@/features/metrics/components/trend-panel';
import { describeFailureAndRetry } from '@/features/metrics/model/failure';
import type { Drill } from '@/lib/drill';
import { formatClock } from '@/lib/time';
import type { PostFilter } from '@/live/feed';

interface MetricsPanelsProps {
  metrics: Metrics;
  /** Filters the page by a name in a table. */
  onSelect: (key: 'product' | 'channel' | 'city', value: string) => void;
  /** The filter of the page, which a breakdown by the same dimension ignores. */
  filter?: PostFilter;
  drill: Drill;
  /** Arranges the panels on the page; there are none before the first figures. */
  children: (panels: MetricsPanelSet) => ReactNode;
}

export type MetricsPanelSet = Partial<
  Record<'trend' | 'cities' | 'emotions' | 'products' | 'channels', ReactNode>
>;

/** The five panels of one view. A panel that fails leaves the others as they are. */
export function MetricsPanels({
  metrics,
  filter = {},
  onSelect,
  drill,
  children,
}: MetricsPanelsProps) {
  const { snapshot, error } = metrics;
  const selectCity = useCallback((value: string) => onSelect('city', value), [onSelect]);
  const selectProduct = useCallback((value: string) => onSelect('product', value), [onSelect]);
  const selectChannel = useCallback((value: string) => onSelect('channel', value), [onSelect]);
  if (snapshot === null) {
    return (
      <>
        <WaitingForFigures error={error} />
        {children({})}
      </>
    );
  }
  const { overall, geo, products, channels, trend, window, failures } = snapshot;
  const failed = (title: string, part: Part, by?: string) => (
    <FailedPanel
      title={title}
      error={failures?.[part] ?? null}
      search={drill.searchOf(by === undefined ? {} : { by })}
    />
  );
  const current = (panel: ReactNode) => (
    <Cell
      aria-busy={metrics.isOutdated}
      className={clsx('transition-opacity', metrics.isOutdated && 'opacity-45')}
    >
      {panel}
    </Cell>
  );
  const panels: MetricsPanelSet = {
    trend: current(
      trend === null ? failed('Trend', 'trend') : <TrendPanel {...{ trend, overall, drill }} />,
    ),
    cities: current(
      geo === null ? (
        failed('Cities', 'geo', 'city')
      ) : (
        <CityPanel places={geo} filtered={filter.city} onSelect={selectCity} drill={drill} />
      ),
    ),
    emotions: current(
      overall === null ? (
        failed('Emotions', 'overall', 'emotion')
      ) : (
        <EmotionPanel overall={overall} drill={drill} />
      ),
    ),
    products: current(
      products === null ? (
        failed('Products', 'products', 'product')
      ) : (
        <ProductPanel
          products={products}
          filtered={filter.product}
          onSelect={selectProduct}
          drill={drill}
        />
      ),
    ),
    channels: current(
      channels === null ? (
        failed('Channels', 'channels', 'channel')
      ) : (
        <ChannelPanel
          channels={channels}
          filtered={filter.channel}
          onSelect={selectChannel}
          drill={drill}
        />
      ),
    ),
  };
  return (
    <>
      {error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-4 py-2 text-sm">
          {describeFailureAndRetry(error)} The figures below are from {formatClock(window.to)}.
        </p>
      )}
      {children(panels)}
    </>
  );
}

/** Shown instead of the figures until the first ones arrive, or with the reason why they do not. */
export function WaitingForFigures({ error }: { error: Error | null }) {
  return (
    <div className="grid min-h-72 place-items-center rounded-md border border-line bg-surface p-6 text-center">
      <p role="status" className="max-w-prose text-ink-soft">
        {error === null
          ? 'Waiting for the first figures from the server.'
          : describeFailureAndRetry(error)}
      </p>
    </div>
  );
}
