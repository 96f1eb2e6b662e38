/** The parts of ECharts that the dashboard uses, loaded on demand. */
import { BarChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use as include } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

include([BarChart, GridComponent, TooltipComponent, CanvasRenderer]);

export { init };
