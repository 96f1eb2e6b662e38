import { EMOTIONS } from '@/api/wire';
import { formatCount, formatScore, formatSigned } from '@/lib/format';

/** The unit in which a metric is displayed and entered. */
export type Unit = 'percent' | 'signed' | 'posts' | 'virality';

interface Metric {
  name: string;
  /** The name on screen. */
  text: string;
  unit: Unit;
}

export const METRICS: readonly Metric[] = [
  { name: 'negative_share', text: 'Share of negative posts', unit: 'percent' },
  { name: 'sentiment_average', text: 'Average sentiment', unit: 'signed' },
  { name: 'churn_high', text: 'Posts with high churn risk', unit: 'posts' },
  { name: 'toxicity', text: 'Average toxicity', unit: 'percent' },
  { name: 'volume', text: 'Number of posts', unit: 'posts' },
  { name: 'virality', text: 'Highest predicted virality', unit: 'virality' },
  ...EMOTIONS.map((emotion) => ({
    name: `emotion:${emotion}`,
    text:
      emotion === 'neutral'
        ? 'Share of posts without emotion'
        : `Share of posts expressing ${emotion}`,
    unit: 'percent' as const,
  })),
];

interface UnitRules {
  /** Beside the field's label. */
  suffix: string;
  /** Multiplies a displayed value to get the server's. */
  scale: number;
  least: number;
  most: number;
  /** The valid range in words. */
  range: string;
}

export const UNITS: Record<Unit, UnitRules> = {
  percent: { suffix: '%', scale: 0.01, least: 0, most: 100, range: 'between 0 and 100' },
  signed: { suffix: '−1 to 1', scale: 1, least: -1, most: 1, range: 'between −1 and 1' },
  posts: { suffix: 'posts', scale: 1, least: 0, most: 1e12, range: '0 or more' },
  virality: { suffix: '60 to 100', scale: 1, least: 60, most: 100, range: 'between 60 and 100' },
};

export function unitOf(metric: string | null | undefined): Unit {
  return METRICS.find(({ name }) => name === metric)?.unit ?? 'signed';
}

export function nameMetric(metric: string): string {
  return METRICS.find(({ name }) => name === metric)?.text ?? metric;
}

/** Formats a metric's value: `50%`, `−0.20`, `120 posts`, `81`. */
export function formatMetric(metric: string | null | undefined, value: number): string {
  if (metric === null || metric === undefined) return formatScore(value);
  switch (unitOf(metric)) {
    case 'percent':
      return `${Number((value * 100).toFixed(1))}%`;
    case 'signed':
      return formatSigned(value);
    case 'posts':
      return `${formatCount(Math.round(value))} ${value === 1 ? 'post' : 'posts'}`;
    case 'virality':
      return String(Math.round(value));
  }
}
