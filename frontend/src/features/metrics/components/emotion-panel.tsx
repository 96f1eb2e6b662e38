import { useCallback, useMemo } from 'react';
import { EMOTIONS, type Emotion, type Tally } from '@/api/wire';
import { usePalette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { countColumn, csvOf, shareColumn, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { emotionScene } from '@/features/metrics/model/emotion-scene';
import { capitalize, formatShare } from '@/lib/format';
import type { Drill } from '@/lib/drill';

/** Emotions in a fixed order, so that bars change only their length. */
export function EmotionPanel({ overall, drill }: { overall: Tally; drill: Drill }) {
  const palette = usePalette();
  const sceneOf = useMemo(() => emotionScene(palette, overall), [palette, overall]);
  const { open: drillTo } = drill;
  const open = useCallback((emotion: Emotion) => drillTo({ emotion }), [drillTo]);
  const rows = EMOTIONS.map((emotion) => ({ emotion, count: overall.emotions[emotion] ?? 0 }));
  const contents: TableContents<(typeof rows)[number]> = {
    keyHead: 'Emotion',
    rows,
    keyOf: ({ emotion }) => emotion,
    nameOf: ({ emotion }) => capitalize(emotion),
    columns: [
      countColumn('Posts', ({ count }) => count),
      shareColumn(
        'Share',
        ({ count }) => count,
        () => overall.count,
      ),
    ],
  };
  return (
    <Panel
      title="Emotions"
      note="share of posts"
      exported={() => csvOf(contents)}
      table={
        <DataTable
          caption="Posts by emotion"
          {...contents}
          searchOf={({ emotion }) => drill.searchOf({ emotion })}
        />
      }
    >
      <Plot
        label={`Emotions. ${rows
          .map(({ emotion, count }) => `${emotion} ${formatShare(count, overall.count)}`)
          .join(', ')}`}
        sceneOf={sceneOf}
        onOpen={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}
