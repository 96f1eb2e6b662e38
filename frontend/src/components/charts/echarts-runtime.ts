/**
 * The parts of ECharts that the dashboard uses.
 *
 * Loaded on demand, so that the headline numbers and the feed appear first.
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
