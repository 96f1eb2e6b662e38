import { clsx } from 'clsx';
import type { ECElementEvent, EChartsCoreOption, EChartsType } from 'echarts/core';
import { useEffect, useRef, useState } from 'react';

/** The shortest time between two redraws. Four redraws a second look live. */
const REDRAW_EVERY_MS = 250;

interface ChartProps {
  /** The chart in a sentence with its figures, for screen readers. */
  label: string;
  option: EChartsCoreOption;
  className?: string;
  /** Called with the name of the clicked item or axis label, and with the series of an item. */
  onSelect?: ((name: string, series: string | null) => void) | undefined;
  /** Called when a chart over time is clicked, with the index on the first x-axis and the series of the item hit, if any. */
  onPick?: ((index: number, series: string | null) => void) | undefined;
  /** Registers what the option needs, such as a map. */
  prepare?: () => Promise<unknown>;
}

/** An ECharts canvas. ECharts is loaded on first use. */
export function Chart({ label, option, className, onSelect, onPick, prepare }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<EChartsType | null>(null);
  const [failed, setFailed] = useState(false);
  const drawnAt = useRef(0);

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
      made = init(element, null, { renderer: 'canvas' });
      // While the page resizes, the element may have no size, and a map cannot be projected onto it.
      observer = new ResizeObserver(() => {
        if (element.clientWidth > 0 && element.clientHeight > 0) made?.resize();
      });
      observer.observe(element);
      setChart(made);
    };
    make().catch(() => setFailed(true));
    return () => {
      gone = true;
      observer?.disconnect();
      made?.dispose();
      setChart(null);
    };
  }, [prepare]);

  useEffect(() => {
    if (chart === null) return;
    const draw = () => {
      drawnAt.current = performance.now();
      chart.setOption(option, { lazyUpdate: true });
    };
    const wait = drawnAt.current + REDRAW_EVERY_MS - performance.now();
    const timer = setTimeout(draw, Math.max(0, wait));
    return () => clearTimeout(timer);
  }, [chart, option]);

  useEffect(() => {
    if (chart === null || onSelect === undefined) return;
    const select = ({ componentType, name, value, seriesName }: ECElementEvent) => {
      const isMark = componentType !== 'yAxis';
      const key = isMark ? name : value;
      if (typeof key === 'string') onSelect(key, isMark ? (seriesName ?? null) : null);
    };
    chart.on('click', select);
    return () => {
      if (!chart.isDisposed()) chart.off('click', select);
    };
  }, [chart, onSelect]);

  useEffect(() => {
    if (chart === null || onPick === undefined) return;
    // ECharts reports the item first, then the click itself.
    let isPicked = false;
    const pick = (event: ECElementEvent) => {
      isPicked = true;
      onPick(event.dataIndex, event.seriesName ?? null);
    };
    // A small bar is hard to hit, so a click anywhere in its column counts.
    const pickBeside = (event: { offsetX: number; offsetY: number }) => {
      const wasMark = isPicked;
      isPicked = false;
      const place = [event.offsetX, event.offsetY];
      if (wasMark || ![0, 1].some((grid) => chart.containPixel({ gridIndex: grid }, place))) {
        return;
      }
      onPick(Number(chart.convertFromPixel({ xAxisIndex: 0 }, event.offsetX)), null);
    };
    chart.on('click', pick);
    chart.getZr().on('click', pickBeside);
    return () => {
      if (chart.isDisposed()) return;
      chart.off('click', pick);
      chart.getZr().off('click', pickBeside);
    };
  }, [chart, onPick]);

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
