import { project } from '@/components/charts/projection';
import type { Box } from '@/components/charts/scene';
import landUrl from '@/components/charts/world-land.json?url';

export interface World {
  land: Path2D;
}

let world: Promise<World> | null = null;

/** Fetches the outlines of the countries (Natural Earth, public domain) once, in the coordinates of `project`. */
export function readWorld(): Promise<World> {
  world ??= fetchWorld().catch((error: unknown) => {
    // The next map tries again.
    world = null;
    throw error;
  });
  return world;
}

async function fetchWorld(): Promise<World> {
  const response = await fetch(landUrl);
  if (!response.ok) throw new Error(`the map request failed with status ${response.status}`);
  return { land: new Path2D((await response.json()) as string) };
}

const [left, top] = [project(-170, 0)[0], project(0, 74)[1]];

/** What a map shows at least: the inhabited world. */
export const WORLD_BOX: Box = {
  ...{ left, top },
  width: project(186, 0)[0] - left,
  height: project(0, -54)[1] - top,
};
