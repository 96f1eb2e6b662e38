import { useCallback, useMemo } from 'react';
import { SENTIMENTS, type KeyedTally } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { usePalette, type Palette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatCount, formatKey, formatShare, formatSigned } from '@/lib/format';

const PRODUCTS_SHOWN = 8;

interface ProductPanelProps {
  products: readonly KeyedTally[];
  onSelect: (product: string) => void;
  drill: Drill;
}

/** Sentiment by product, as shares, so that small products are as readable as large ones. */
export function ProductPanel({ products, onSelect, drill }: ProductPanelProps) {
  const palette = usePalette();
  const shown = useMemo(() => rank(products, PRODUCTS_SHOWN), [products]);
  const option = useMemo(() => productOption(palette, shown), [palette, shown]);
  const { open: drillTo } = drill;
  const open = useCallback(
    (product: string, series: string | null) => {
      const label = SENTIMENTS.find((sentiment) => sentiment === series);
      drillTo(label === undefined ? { product } : { product, label });
    },
    [drillTo],
  );
  return (
    <Panel
      title="Products"
      note="share of negative, neutral, positive"
      table={
        <DataTable
          caption="Posts by product"
          keyHead="Product"
          rows={rank(products, products.length)}
          keyOf={({ key }) => key}
          nameOf={({ key }) => formatKey(key)}
          columns={TALLY_COLUMNS}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ product: key })}
        />
      }
    >
      <Chart
        label={`Products. ${describeKeys(shown)}`}
        option={option}
        onSelect={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}

function productOption(palette: Palette, products: readonly KeyedTally[]) {
  const keys = products.map(({ key }) => key);
  const categories = {
    type: 'category',
    inverse: true,
    data: keys,
    axisLine: { show: false },
    axisTick: { show: false },
  };
  return {
    ...baseOption(palette),
    grid: { left: 108, right: 92, top: 4, bottom: 6 },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      axisPointer: { type: 'none' },
      formatter: (hovered: { dataIndex: number }[]) => {
        const product = products[hovered[0]?.dataIndex ?? -1];
        return product === undefined ? '' : productCard(product);
      },
    },
    xAxis: { type: 'value', min: 0, max: 1, show: false },
    yAxis: [
      {
        ...categories,
        triggerEvent: true,
        axisLabel: {
          ...axisText(palette),
          color: palette.ink,
          width: 100,
          overflow: 'truncate',
          formatter: formatKey,
        },
      },
      {
        ...categories,
        position: 'right',
        axisLabel: {
          align: 'right',
          margin: 84,
          formatter: (_: string, i: number) => {
            const product = products[i];
            if (product === undefined) return '';
            return `{average|${formatSigned(product.sentiment.average)}}{count|${formatCount(product.count)}}`;
          },
          rich: {
            average: {
              width: 42,
              align: 'right',
              color: palette.ink,
              fontSize: 12,
              fontWeight: 600,
            },
            count: { width: 42, align: 'right', color: palette['ink-soft'], fontSize: 11.5 },
          },
        },
      },
    ],
    series: SENTIMENTS.toReversed().map((label) => ({
      type: 'bar',
      name: label,
      stack: 'share',
      barWidth: 12,
      itemStyle: {
        color: palette[label],
        opacity: label === 'neutral' ? 0.35 : 0.9,
        borderColor: palette.surface,
        borderWidth: 1,
        borderRadius: 3,
      },
      emphasis: { disabled: true },
      data: products.map(({ key, sentiment, count }) => ({
        name: key,
        value: count > 0 ? sentiment[label] / count : 0,
      })),
    })),
  };
}

function productCard(product: KeyedTally): HTMLElement {
  const share = (count: number) => `${formatShare(count, product.count)} (${formatCount(count)})`;
  return tooltipCard(formatKey(product.key), [
    ['Posts', formatCount(product.count)],
    ['Positive', share(product.sentiment.positive)],
    ['Neutral', share(product.sentiment.neutral)],
    ['Negative', share(product.sentiment.negative)],
    ['Average', formatSigned(product.sentiment.average)],
    ['High churn', formatCount(product.churn.high)],
  ]);
}
