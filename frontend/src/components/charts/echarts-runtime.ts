/**
 * The parts of ECharts that are drawn here, and nothing else of it.
 *
 * Loaded on demand, so that headline numbers and feed stand before the drawing code has arrived.
 */
import { BarChart, GaugeChart, LineChart, ScatterChart } from 'echarts/charts';
import { GeoComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { getMap, init, registerMap, use as include } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { CanvasRenderer } from 'echarts/renderers';

include([
  BarChart,
  GaugeChart,
  LineChart,
  ScatterChart,
  GeoComponent,
  GridComponent,
  TooltipComponent,
  LabelLayout,
  CanvasRenderer,
]);

export { getMap, init, registerMap };
