import {
  readKey,
  type Dimension,
  type FilterKey,
  type Filters,
  type PlainFilter,
} from '@/features/explore/model/filters';
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

/** The names of the filters with a single value. */
const PLAIN_NAMES: Record<PlainFilter, string> = {
  q: 'Text',
  min_virality: 'Min. virality',
  min_churn: 'Min. churn risk',
};

/** `Product`, `Product is not`, `Min. churn risk`. */
export function nameOfFilter(key: FilterKey): string {
  const known = readKey(key);
  if (known === null) return PLAIN_NAMES[key as PlainFilter];
  return known.isNot ? `${DIMENSION_NAMES[known.by]} is not` : DIMENSION_NAMES[known.by];
}

/** `product Nimbrel Buds`, `city is not Berlin or Paris`: the filters in words. */
export function describeFilters(filters: Filters): string[] {
  return Object.entries(filters).map(([key, values]) => {
    const filter = key as FilterKey;
    const named = values.map((value) => nameOf(filter, value)).join(' or ');
    return `${nameOfFilter(filter).toLowerCase()} ${named}`;
  });
}

const languages = new Intl.DisplayNames('en', { type: 'language', fallback: 'code' });

/** Returns the display name of a key. */
export function nameOf(filter: FilterKey, key: string): string {
  const by = readKey(filter)?.by ?? filter;
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
