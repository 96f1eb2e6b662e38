import { useCallback, useEffect, useMemo, useState } from 'react';
import type { KeyedTally } from '@/api/wire';
import { sentimentColour, usePalette, type Palette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { readWorld, type World } from '@/components/charts/world-map';
import { csvOf, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { cityScene, landOf, type Located } from '@/features/metrics/model/city-scene';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatCount, formatKey } from '@/lib/format';

/** More bubbles would only cover each other. */
const CITIES_SHOWN = 120;

interface CityPanelProps {
  places: readonly KeyedTally[];
  /** The value that the page is filtered by, which does not apply here. */
  filtered?: string | undefined;
  onSelect: (city: string) => void;
  drill: Drill;
}

/** A map of the posts: size is volume, colour is sentiment. */
export function CityPanel({ places, filtered, onSelect, drill }: CityPanelProps) {
  const palette = usePalette();
  const cities = useMemo(() => rank(places, CITIES_SHOWN), [places]);
  const located = useMemo(() => cities.filter(isLocated), [cities]);
  const { world, hasFailed } = useWorld();
  const land = useMemo(() => landOf(palette, world), [palette, world]);
  const sceneOf = useMemo(() => cityScene(palette, located, land), [palette, located, land]);
  const unplaced = places.find(({ key }) => key === '')?.count ?? 0;
  const { open: drillTo } = drill;
  const open = useCallback(({ key }: Located) => drillTo({ city: key }), [drillTo]);
  const contents: TableContents<KeyedTally> = {
    keyHead: 'City',
    rows: cities,
    keyOf: ({ key }) => key,
    nameOf: ({ key }) => formatKey(key),
    columns: TALLY_COLUMNS,
  };
  return (
    <Panel
      title="Cities"
      note={describeNote(unplaced, filtered)}
      actions={<SentimentScale palette={palette} />}
      exported={() => csvOf(contents)}
      table={
        <DataTable
          caption="Posts by city"
          {...contents}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ city: key })}
        />
      }
    >
      <Plot
        label={`Map of cities. ${describeKeys(located)}`}
        sceneOf={sceneOf}
        onOpen={open}
        className="min-h-52 flex-1"
      />
      {located.length === 0 && (
        <p className="caption absolute inset-x-0 bottom-4 text-center">
          No posts in this window have a location.
        </p>
      )}
      {hasFailed && (
        <p className="caption absolute inset-x-0 top-1 text-center">
          The map could not be loaded. Reload the page, or use the table.
        </p>
      )}
    </Panel>
  );
}

/** The outlines of the countries; null while they load. */
function useWorld() {
  const [world, setWorld] = useState<World | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    readWorld().then(setWorld, () => setFailed(true));
  }, []);
  return { world, hasFailed };
}

function describeNote(unplaced: number, filtered: string | undefined): string | undefined {
  if (filtered !== undefined) return `all cities, not only ${filtered}`;
  return unplaced > 0 ? `${formatCount(unplaced)} without a location` : undefined;
}

function isLocated(place: KeyedTally): place is Located {
  return typeof place.lat === 'number' && typeof place.lon === 'number';
}

function SentimentScale({ palette }: { palette: Palette }) {
  const stops = [-0.6, -0.3, 0, 0.3, 0.6].map((at) => sentimentColour(palette, at)).join(',');
  return (
    <div className="caption mr-1 flex items-center gap-1.5" aria-hidden="true">
      negative
      <span
        className="h-1.5 w-16 rounded-full"
        style={{ background: `linear-gradient(90deg,${stops})` }}
      />
      positive
    </div>
  );
}
