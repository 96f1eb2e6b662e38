/** Lines, which the charts of a first visit do without. */
import { LineChart } from 'echarts/charts';
import { use as include } from 'echarts/core';

include([LineChart]);
