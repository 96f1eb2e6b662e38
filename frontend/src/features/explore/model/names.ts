import type { Dimension, FilterKey } from '@/features/explore/model/query';
import { capitalize, formatKey, formatSource } from '@/lib/format';

export const DIMENSION_NAMES: Record<Dimension, string> = {
  product: 'Product',
  platform: 'Platform',
  channel: 'Channel',
  city: 'City',
  source: 'Source',
  label: 'Label',
  emotion: 'Emotion',
  lang: 'Language',
  author: 'Author',
};

/** The names of the filters without a list. */
export const FILTER_NAMES = {
  emotion: 'Emotion',
  author: 'Author',
  min_virality: 'Min. virality',
  min_churn: 'Min. churn risk',
} as const;

const languages = new Intl.DisplayNames('en', { type: 'language', fallback: 'code' });

/** Returns the display name of a key. */
export function nameOf(by: FilterKey | Dimension, key: string): string {
  if (key === '') return by === 'author' || by === 'lang' ? 'Unknown' : formatKey(key);
  switch (by) {
    case 'source':
      return formatSource(key);
    case 'label':
    case 'emotion':
      return capitalize(key);
    case 'lang':
      return nameLanguage(key);
    case 'author':
      return `@${key.replace(/^@/, '')}`;
    default:
      return key;
  }
}

function nameLanguage(code: string): string {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}
