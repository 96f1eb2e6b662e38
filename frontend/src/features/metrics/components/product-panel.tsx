import { useCallback, useMemo } from 'react';
import type { KeyedTally } from '@/api/wire';
import { usePalette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { LABEL_COLOURS } from '@/components/export/legend';
import { csvOf, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { productScene } from '@/features/metrics/model/product-scene';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatKey } from '@/lib/format';

const PRODUCTS_SHOWN = 8;

interface ProductPanelProps {
  products: readonly KeyedTally[];
  /** The value that the page is filtered by, which does not apply here. */
  filtered?: string | undefined;
  onSelect: (product: string) => void;
  drill: Drill;
}

/** Sentiment by product, as shares, so that small products are as readable as large ones. */
export function ProductPanel({ products, filtered, onSelect, drill }: ProductPanelProps) {
  const palette = usePalette();
  const shown = useMemo(() => rank(products, PRODUCTS_SHOWN), [products]);
  const sceneOf = useMemo(() => productScene(palette, shown), [palette, shown]);
  const { open: drillTo } = drill;
  const open = useCallback(
    ({ key }: KeyedTally, label: string | null) =>
      drillTo(label === null ? { product: key } : { product: key, label }),
    [drillTo],
  );
  const contents: TableContents<KeyedTally> = {
    keyHead: 'Product',
    rows: rank(products, products.length),
    keyOf: ({ key }) => key,
    nameOf: ({ key }) => formatKey(key),
    columns: TALLY_COLUMNS,
  };
  return (
    <Panel
      title="Products"
      note={
        filtered === undefined
          ? 'share of negative, neutral, positive'
          : `all products, not only ${filtered}`
      }
      exported={() => ({ ...csvOf(contents), legend: LABEL_COLOURS })}
      table={
        <DataTable
          caption="Posts by product"
          {...contents}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ product: key })}
        />
      }
    >
      <Plot
        label={`Products. ${describeKeys(shown)}`}
        sceneOf={sceneOf}
        onOpen={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}
