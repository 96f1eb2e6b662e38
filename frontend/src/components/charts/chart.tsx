import { clsx } from 'clsx';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { useEffect, useRef, useState } from 'react';
import { pace } from '@/components/charts/pacing';
import { pictures } from '@/components/charts/pictures';
import { usePicking } from '@/components/charts/use-picking';
import { useTheme } from '@/lib/theme';

interface ChartProps {
  /** The chart in a sentence with its figures, for screen readers. */
  label: string;
  option: EChartsCoreOption;
  className?: string;
  /** Called when a chart over time is clicked, with the index on the first x-axis and the series of the item hit, if any. */
  onPick?: ((index: number, series: string | null) => void) | undefined;
  /** Registers what the option needs, such as lines. */
  prepare?: () => Promise<unknown>;
}

/** An ECharts canvas. ECharts is loaded on first use. */
export function Chart({ label, option, className, onPick, prepare }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<EChartsType | null>(null);
  const [failed, setFailed] = useState(false);
  const drawnAt = useRef(-Infinity);
  const theme = useTheme();

  useEffect(() => {
    let made: EChartsType | null = null;
    let observer: ResizeObserver | null = null;
    let gone = false;
    const make = async () => {
      const [{ init }] = await Promise.all([
        import('@/components/charts/echarts-runtime'),
        prepare?.(),
      ]);
      const element = host.current;
      if (gone || element === null) return;
      const drawing = init(element, null, { renderer: 'canvas' });
      made = drawing;
      observer = new ResizeObserver(() => drawing.resize());
      observer.observe(element);
      pictures.set(element, (pixelRatio) => drawing.renderToCanvas({ pixelRatio }));
      setChart(drawing);
    };
    make().catch(() => setFailed(true));
    return () => {
      gone = true;
      observer?.disconnect();
      made?.dispose();
      setChart(null);
    };
  }, [prepare]);

  // A person who has switched the theme does not wait for the next redraw.
  useEffect(() => {
    drawnAt.current = -Infinity;
  }, [theme]);

  useEffect(() => {
    if (chart === null) return;
    const draw = () => {
      drawnAt.current = performance.now();
      chart.setOption(option, { lazyUpdate: true });
    };
    return pace(draw, drawnAt.current);
  }, [chart, option]);

  usePicking(chart, onPick);

  return (
    <div role="img" aria-label={label} className={clsx('relative min-h-0 min-w-0', className)}>
      <div ref={host} className="absolute inset-0" data-chart-ready={chart !== null} />
      {failed && (
        <p className="absolute inset-0 grid place-items-center text-center text-ink-soft">
          The chart could not be loaded. Reload the page, or use the table.
        </p>
      )}
    </div>
  );
}
