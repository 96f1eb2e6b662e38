/** A delivery that was pasted: nothing yet, its value, or why it is not JSON. */
export type Sample = { kind: 'none' } | { kind: 'json'; value: unknown } | { kind: 'problem' };

export function readSample(text: string): Sample {
  if (text.trim() === '') return { kind: 'none' };
  try {
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'problem' };
  }
}

/** A place in a sample, with what is there. */
export interface Place {
  pointer: string;
  value: string;
}

/** More than anyone reads in a list of suggestions. */
const PLACES_MAX = 200;

/** Deeper than anything that a form suggests. */
const DEPTH_MAX = 8;

/** How many items of a list are looked into: the first may lack what others have. */
const ITEMS_MAX = 20;

/** The lists in a sample, each of which may be the items. */
export function listsIn(sample: unknown): Place[] {
  const places: Place[] = [];
  visit(sample, '', (value, pointer) => {
    if (Array.isArray(value)) places.push({ pointer, value: `${value.length} items` });
  });
  return places.slice(0, PLACES_MAX);
}

/** The texts, numbers and so on in the items of a sample, as seen from an item. */
export function valuesIn(sample: unknown, items: string): Place[] {
  const found = valueAt(sample, items);
  const places = new Map<string, Place>();
  for (const item of Array.isArray(found) ? found.slice(0, ITEMS_MAX) : [found]) {
    visit(item, '', (value, pointer) => {
      if (value === null || typeof value === 'object' || places.has(pointer)) return;
      places.set(pointer, { pointer, value: String(value as string | number | boolean) });
    });
  }
  return [...places.values()].filter(({ pointer }) => pointer !== '').slice(0, PLACES_MAX);
}

function valueAt(value: unknown, pointer: string): unknown {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce<unknown>((part, token) => {
    if (typeof part !== 'object' || part === null) return undefined;
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    return Object.hasOwn(part, name) ? (part as Record<string, unknown>)[name] : undefined;
  }, value);
}

function visit(value: unknown, pointer: string, tell: (value: unknown, at: string) => void): void {
  if (value === undefined) return;
  tell(value, pointer);
  const isDeep = pointer.split('/').length > DEPTH_MAX;
  if (typeof value !== 'object' || value === null || isDeep) return;
  for (const [name, inner] of Object.entries(value).slice(0, PLACES_MAX)) {
    visit(inner, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, tell);
  }
}
