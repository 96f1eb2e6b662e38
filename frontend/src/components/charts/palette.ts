import { useMemo } from 'react';
import type { Average } from '@/api/wire';
import { useTheme, type Theme } from '@/lib/theme';

const NAMES = [
  'surface',
  'sunken',
  'raised',
  'line',
  'line-strong',
  'ink',
  'ink-soft',
  'ink-faint',
  'brand',
  'positive',
  'neutral',
  'neutral-soft',
  'negative',
  'warning',
  'critical',
  'line-1',
  'line-2',
  'line-3',
  'line-4',
  'line-5',
  'line-6',
  'line-7',
  'line-8',
  'land',
  'coast',
] as const;

/** The theme's colours as values, since a canvas cannot use CSS variables. */
export type Palette = Record<(typeof NAMES)[number], string>;

export function usePalette(): Palette {
  const theme = useTheme();
  return useMemo(() => paletteOf(theme), [theme]);
}

const read = new Map<Theme, Palette>();

/** Reads and caches the palette; `theme` must be the current one. */
function paletteOf(theme: Theme): Palette {
  const known = read.get(theme);
  if (known !== undefined) return known;
  const style = getComputedStyle(document.documentElement);
  const palette = Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || '#888888']),
  ) as Palette;
  read.set(theme, palette);
  return palette;
}

/** Averages beyond this are rare. With a scale up to 1, every city would look grey. */
const FULL_COLOUR_AT = 0.45;

/** The colour of an average sentiment, from negative through neutral to positive. */
export function sentimentColour(palette: Palette, average: Average): string {
  if (typeof average !== 'number') return palette.neutral;
  const strength = Math.min(1, Math.abs(average) / FULL_COLOUR_AT);
  return mix(palette.neutral, average < 0 ? palette.negative : palette.positive, strength);
}

/** Blends two `#rrggbb` colours; `share` 0 is the first, 1 the second. */
export function mix(from: string, to: string, share: number): string {
  const channel = (colour: string, at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  const blended = [1, 3, 5].map((at) => {
    const start = channel(from, at);
    return Math.round(start + (channel(to, at) - start) * share);
  });
  return `#${blended.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
