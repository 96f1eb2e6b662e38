import { useCallback, useMemo } from 'react';
import type { KeyedTally } from '@/api/wire';
import { usePalette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { csvOf, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { channelScene } from '@/features/metrics/model/channel-scene';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatKey } from '@/lib/format';

const CHANNELS_SHOWN = 8;

interface ChannelPanelProps {
  channels: readonly KeyedTally[];
  /** The value that the page is filtered by, which does not apply here. */
  filtered?: string | undefined;
  onSelect: (channel: string) => void;
  drill: Drill;
}

/** Sentiment, volume and high churn risk by channel. */
export function ChannelPanel({ channels, filtered, onSelect, drill }: ChannelPanelProps) {
  const palette = usePalette();
  const shown = useMemo(() => rank(channels, CHANNELS_SHOWN), [channels]);
  const sceneOf = useMemo(() => channelScene(palette, shown), [palette, shown]);
  const { open: drillTo } = drill;
  const open = useCallback(({ key }: KeyedTally) => drillTo({ channel: key }), [drillTo]);
  const contents: TableContents<KeyedTally> = {
    keyHead: 'Channel',
    rows: rank(channels, channels.length),
    keyOf: ({ key }) => key,
    nameOf: ({ key }) => formatKey(key),
    columns: TALLY_COLUMNS,
  };
  return (
    <Panel
      title="Channels"
      note={
        filtered === undefined
          ? 'average sentiment; size is volume'
          : `all channels, not only ${filtered}`
      }
      exported={() => csvOf(contents)}
      table={
        <DataTable
          caption="Posts by channel"
          {...contents}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ channel: key })}
        />
      }
    >
      <Plot
        label={`Channels. ${describeKeys(shown)}`}
        sceneOf={sceneOf}
        onOpen={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}
