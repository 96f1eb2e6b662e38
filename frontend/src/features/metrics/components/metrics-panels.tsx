import { clsx } from 'clsx';
import { useCallback, type ReactNode } from 'react';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { ChannelPanel } from '@/features/metrics/components/channel-panel';
import { CityPanel } from '@/features/metrics/components/city-panel';
import { EmotionPanel } from '@/features/metrics/components/emotion-panel';
import { ProductPanel } from '@/features/metrics/components/product-panel';
import { SentimentPanel } from '@/features/metrics/components/sentiment-panel';
import { TrendPanel } from '@/features/metrics/components/trend-panel';
import { ApiError } from '@/lib/api-client';
import type { Drill } from '@/lib/drill';
import { formatClock } from '@/lib/format';

interface MetricsPanelsProps {
  metrics: Metrics;
  /** Filters the page by a name in a table. */
  onSelect: (key: 'product' | 'channel' | 'city', value: string) => void;
  drill: Drill;
  /** Rendered between the trend and the map. */
  children?: ReactNode;
}

/** The six panels of one view. */
export function MetricsPanels({ metrics, onSelect, drill, children }: MetricsPanelsProps) {
  const { snapshot, error } = metrics;
  const selectCity = useCallback((value: string) => onSelect('city', value), [onSelect]);
  const selectProduct = useCallback((value: string) => onSelect('product', value), [onSelect]);
  const selectChannel = useCallback((value: string) => onSelect('channel', value), [onSelect]);
  if (snapshot === null) return <Waiting error={error} />;
  return (
    <>
      {error !== null && (
        <p role="alert" className="rounded-xl bg-warning-soft px-4 py-2 text-[13.5px]">
          {describeError(error)} The figures below are from {formatClock(snapshot.window.to)}.
        </p>
      )}
      <div
        aria-busy={metrics.isOutdated}
        className={clsx(
          'grid gap-3 transition-opacity lg:grid-cols-12',
          metrics.isOutdated && 'opacity-45',
        )}
      >
        <div className="grid lg:col-span-4 lg:h-[14.75rem]">
          <SentimentPanel overall={snapshot.overall} drill={drill} />
        </div>
        <div className="grid lg:col-span-8 lg:h-[14.75rem]">
          <TrendPanel snapshot={snapshot} drill={drill} />
        </div>
        {children}
        <div className="grid lg:col-span-7 lg:h-[17.25rem]">
          <CityPanel places={snapshot.geo} onSelect={selectCity} drill={drill} />
        </div>
        <div className="grid lg:col-span-5 lg:h-[17.25rem]">
          <EmotionPanel overall={snapshot.overall} drill={drill} />
        </div>
        <div className="grid lg:col-span-6 lg:h-[14.25rem]">
          <ProductPanel products={snapshot.products} onSelect={selectProduct} drill={drill} />
        </div>
        <div className="grid lg:col-span-6 lg:h-[14.25rem]">
          <ChannelPanel channels={snapshot.channels} onSelect={selectChannel} drill={drill} />
        </div>
      </div>
    </>
  );
}

function Waiting({ error }: { error: Error | null }) {
  return (
    <div className="grid min-h-72 place-items-center rounded-xl border border-line bg-surface p-6 text-center">
      <p role="status" className="max-w-prose text-ink-soft">
        {error === null ? 'Waiting for the first figures from the server.' : describeError(error)}
      </p>
    </div>
  );
}

/** Describes an error and what to do about it. */
function describeError(error: Error): string {
  if (error instanceof ApiError && error.code === 'window_too_long') {
    return 'With these filters, the window can be at most 24 hours. Choose a shorter window or remove a filter.';
  }
  if (error instanceof ApiError && error.status === 0) {
    return 'The server is not responding. Is `groundswell serve` running? Retrying automatically.';
  }
  return `The figures could not be loaded: ${error.message}. Retrying automatically.`;
}
