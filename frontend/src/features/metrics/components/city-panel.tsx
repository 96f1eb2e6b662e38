import { useCallback, useMemo } from 'react';
import type { KeyedTally } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { baseOption, tooltipCard } from '@/components/charts/option';
import { sentimentColour, usePalette, type Palette } from '@/components/charts/palette';
import { naturalEarth, prepareWorldMap, WORLD } from '@/components/charts/world-map';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatCount, formatKey, formatShare, formatSigned } from '@/lib/format';

/** More bubbles would only cover each other. */
const CITIES_SHOWN = 120;

/** Only the busiest cities are named, if their names do not overlap. */
const NAMES_SHOWN = 14;

interface CityPanelProps {
  places: readonly KeyedTally[];
  onSelect: (city: string) => void;
  drill: Drill;
}

/** A map of the posts: size is volume, colour is sentiment. */
export function CityPanel({ places, onSelect, drill }: CityPanelProps) {
  const palette = usePalette();
  const cities = useMemo(() => rank(places, CITIES_SHOWN), [places]);
  const located = useMemo(() => cities.filter(isLocated), [cities]);
  const option = useMemo(() => mapOption(palette, located), [palette, located]);
  const unplaced = places.find(({ key }) => key === '')?.count ?? 0;
  const { open: drillTo } = drill;
  const open = useCallback((city: string) => drillTo({ city }), [drillTo]);
  return (
    <Panel
      title="Cities"
      note={unplaced > 0 ? `${formatCount(unplaced)} without a location` : undefined}
      actions={<SentimentScale palette={palette} />}
      table={
        <DataTable
          caption="Posts by city"
          keyHead="City"
          rows={cities}
          keyOf={({ key }) => key}
          nameOf={({ key }) => formatKey(key)}
          columns={TALLY_COLUMNS}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ city: key })}
        />
      }
    >
      <Chart
        label={`Map of cities. ${describeKeys(located)}`}
        option={option}
        prepare={prepareWorldMap}
        onSelect={open}
        className="min-h-52 flex-1"
      />
      {located.length === 0 && (
        <p className="caption absolute inset-x-0 bottom-4 text-center">
          No posts in this window have a location.
        </p>
      )}
    </Panel>
  );
}

type Located = KeyedTally & { lat: number; lon: number };

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

function mapOption(palette: Palette, cities: readonly Located[]) {
  const most = Math.max(1, ...cities.map(({ count }) => count));
  return {
    ...baseOption(palette),
    tooltip: {
      ...baseOption(palette).tooltip,
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const city = cities[dataIndex];
        return city === undefined ? '' : cityCard(city);
      },
    },
    geo: {
      map: WORLD,
      projection: naturalEarth,
      roam: false,
      silent: true,
      left: 0,
      right: 0,
      top: 0,
      bottom: 0,
      preserveAspect: 'contain',
      boundingCoords: [
        [-170, 74],
        [186, -54],
      ],
      itemStyle: { areaColor: palette.land, borderColor: palette.coast, borderWidth: 0.6 },
    },
    series: [
      {
        type: 'scatter',
        coordinateSystem: 'geo',
        symbolSize: ([, , count = 0]: number[]) => 5 + 23 * Math.sqrt(count / most),
        label: {
          show: true,
          position: 'right',
          distance: 3,
          color: palette.ink,
          textBorderColor: palette.surface,
          textBorderWidth: 2.5,
          fontSize: 11,
          formatter: ({ name, dataIndex }: { name: string; dataIndex: number }) =>
            dataIndex < NAMES_SHOWN ? name : '',
        },
        labelLayout: { hideOverlap: true },
        emphasis: { scale: 1.15 },
        data: cities.map(({ key, lat, lon, count, sentiment }) => ({
          name: key,
          value: [lon, lat, count],
          itemStyle: {
            color: sentimentColour(palette, sentiment.average),
            opacity: 0.82,
            borderColor: palette.surface,
            borderWidth: 1,
          },
        })),
      },
    ],
  };
}

function cityCard(city: Located): HTMLElement {
  return tooltipCard(city.key, [
    ['Posts', formatCount(city.count)],
    ['Average', formatSigned(city.sentiment.average)],
    ['Negative', formatShare(city.sentiment.negative, city.count)],
    ['High churn', formatCount(city.churn.high)],
  ]);
}
