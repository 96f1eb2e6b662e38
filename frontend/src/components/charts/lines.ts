/** Loads what a chart with lines needs; for `Chart`'s `prepare`. */
export function prepareLines(): Promise<unknown> {
  return import('@/components/charts/echarts-lines');
}
