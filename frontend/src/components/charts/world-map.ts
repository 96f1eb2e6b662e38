import type { Geometry, Position } from 'geojson';
import type { Topology, GeometryCollection } from 'topojson-specification';
import atlasUrl from 'world-atlas/countries-110m.json?url';

/** The name under which the map is registered with ECharts. */
export const WORLD = 'world';

type Atlas = Topology<{ countries: GeometryCollection<{ name: string }> }>;

/** Fetches the atlas as JSON; as a module it would be parsed as a script. */
async function readAtlas(): Promise<Atlas> {
  const response = await fetch(atlasUrl);
  if (!response.ok) throw new Error(`the map request failed with status ${response.status}`);
  return (await response.json()) as Atlas;
}

/** Fetches and registers the world map (Natural Earth, public domain) once. */
export async function prepareWorldMap(): Promise<void> {
  const [{ getMap, registerMap }, { feature }, topology] = await Promise.all([
    import('@/components/charts/echarts-runtime'),
    import('topojson-client'),
    readAtlas(),
  ]);
  if (getMap(WORLD) !== null && getMap(WORLD) !== undefined) return;
  const world = feature(topology, topology.objects.countries);
  // Without Antarctica, everything else is a fifth larger.
  const inhabited = world.features
    .filter(({ properties }) => properties.name !== 'Antarctica')
    .map((country) => ({ ...country, geometry: unwrap(country.geometry) }));
  registerMap(WORLD, { type: 'FeatureCollection', features: inhabited } as never);
}

/** Unwraps rings that cross the date line, such as Russia's; otherwise they would span the whole map. */
export function unwrap(geometry: Geometry): Geometry {
  const ring = (points: Position[]) => {
    const crosses = points.some(
      ([lon = 0], i) => i > 0 && Math.abs(lon - (points[i - 1]?.[0] ?? lon)) > 180,
    );
    return crosses ? points.map(([lon = 0, lat = 0]) => [lon < 0 ? lon + 360 : lon, lat]) : points;
  };
  if (geometry.type === 'Polygon') {
    return { ...geometry, coordinates: geometry.coordinates.map(ring) };
  }
  if (geometry.type === 'MultiPolygon') {
    return { ...geometry, coordinates: geometry.coordinates.map((polygon) => polygon.map(ring)) };
  }
  return geometry;
}

/**
 * The Natural Earth projection (Šavrič et al., 2011), which distorts the north less than a plain grid does.
 *
 * Works in degrees. `unproject` solves the polynomial of the latitude with Newton's method.
 */
export const naturalEarth = {
  project([lon = 0, lat = 0]: number[]): number[] {
    const phi = (lat * Math.PI) / 180;
    return [lon * widthAt(phi), -(heightAt(phi) * 180) / Math.PI];
  },
  unproject([x = 0, y = 0]: number[]): number[] {
    const target = (-y * Math.PI) / 180;
    let phi = target;
    for (let step = 0; step < 12; step += 1) {
      const correction = (heightAt(phi) - target) / slopeAt(phi);
      phi -= correction;
      if (Math.abs(correction) < 1e-9) break;
    }
    return [x / widthAt(phi), (phi * 180) / Math.PI];
  },
};

function widthAt(phi: number): number {
  const square = phi * phi;
  const fourth = square * square;
  return (
    0.8707 -
    0.131979 * square +
    fourth * (-0.013791 + fourth * (0.003971 * square - 0.001529 * fourth))
  );
}

function heightAt(phi: number): number {
  const square = phi * phi;
  const fourth = square * square;
  return (
    phi *
    (1.007226 + square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth)))
  );
}

function slopeAt(phi: number): number {
  const square = phi * phi;
  const fourth = square * square;
  return (
    1.007226 + square * (0.045255 + fourth * (-0.311325 + 0.259866 * square - 0.065076 * fourth))
  );
}
