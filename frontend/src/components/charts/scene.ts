/** A chart as a list of shapes: a canvas draws it, and a test can read it. */

export interface Size {
  width: number;
  height: number;
}

export interface Box extends Size {
  left: number;
  top: number;
}

export type Point = readonly [x: number, y: number];

interface Rectangle {
  kind: 'rectangle';
  box: Box;
  fill: string;
  opacity?: number;
  radius?: number;
  /** The colour of stripes over the fill. */
  hatch?: string | undefined;
}

/** A round or diamond-shaped mark, or an arrowhead. */
export interface Dot {
  kind: 'circle' | 'diamond' | 'arrow-up' | 'arrow-down';
  at: Point;
  radius: number;
  fill: string;
  /** The colour of the border. */
  border: string;
  opacity?: number;
}

interface Line {
  kind: 'line';
  /** A null interrupts the line. */
  points: readonly (Point | null)[];
  colour: string;
  width?: number;
  dash?: readonly number[];
  opacity?: number;
}

interface Text {
  kind: 'text';
  text: string;
  /** The end that `align` names, at half the height. */
  at: Point;
  colour: string;
  align?: 'left' | 'right' | 'center';
  isBold?: boolean;
  /** The colour of an outline, for text over other shapes. */
  outline?: string;
  /** A longer text is cut. */
  widthMax?: number;
}

/** An outline in its own coordinates, such as a map. */
interface Outline {
  kind: 'outline';
  path: Path2D;
  /** Where its origin is drawn, and how large. */
  at: Point;
  scale: number;
  fill: string;
  border: string;
}

export type Shape = Rectangle | Dot | Line | Text | Outline;

/** A title, and rows of a name and a value. */
export interface Card {
  title: string;
  rows: readonly (readonly [name: string, value: string])[];
}

/** What can be hovered and clicked. */
export interface Target<Item> {
  box: Box;
  item: Item;
  /** The name of a part of the item, such as a label; null for the whole. */
  part: string | null;
  card?: (() => Card) | undefined;
  /** What is shaded while the mouse is over it. */
  shade?: Box;
}

export interface Scene<Item> {
  /** Drawn below the shapes and kept until another array replaces it. */
  background?: readonly Shape[];
  shapes: readonly Shape[];
  /** Of those that overlap, the last is hit. */
  targets: readonly Target<Item>[];
}

/** Lays out a chart. */
export type SceneOf<Item> = (size: Size) => Scene<Item>;

/** Returns the target at a point. */
export function targetAt<Item>(scene: Scene<Item>, [x, y]: Point): Target<Item> | undefined {
  return scene.targets.findLast(
    ({ box }) =>
      x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height,
  );
}

/** Returns the item of a chart over time at a horizontal position; beyond an end, the one at the end. */
export function itemAt<Item>({ targets }: Scene<Item>, x: number): Item | undefined {
  const steps = targets.filter(({ part }) => part === null);
  return (steps.findLast(({ box }) => box.left <= x) ?? steps[0])?.item;
}
