import type { ECElementEvent, EChartsType } from 'echarts/core';
import { useEffect } from 'react';

/** Removes the tooltip, which would otherwise stay over the posts that the click has opened. */
function hideTooltip(chart: EChartsType): void {
  // ECharts shows it again in the handlers of the same click.
  setTimeout(() => {
    if (chart.isDisposed()) return;
    chart.dispatchAction({ type: 'hideTip' });
    chart.dispatchAction({ type: 'updateAxisPointer', currTrigger: 'leave' });
  });
}

/** Calls `onPick` when a chart over time is clicked, with the index on its axis and the series of the item hit, if any. */
export function usePicking(
  chart: EChartsType | null,
  onPick: ((index: number, series: string | null) => void) | undefined,
) {
  useEffect(() => {
    if (chart === null || onPick === undefined) return;
    // ECharts reports the item first, then the click itself.
    let isPicked = false;
    const pick = (event: ECElementEvent) => {
      isPicked = true;
      hideTooltip(chart);
      onPick(event.dataIndex, event.seriesName ?? null);
    };
    // A small bar is hard to hit, so a click anywhere in its column counts.
    const pickBeside = (event: { offsetX: number; offsetY: number }) => {
      const wasMark = isPicked;
      isPicked = false;
      const place = [event.offsetX, event.offsetY];
      if (wasMark) return;
      if (![0, 1].some((grid) => chart.containPixel({ gridIndex: grid }, place))) return;
      hideTooltip(chart);
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
}
