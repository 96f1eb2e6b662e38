import type { KeyedTally, MetricsSnapshot } from '@/api/wire';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

/**
 * Puts whole figures together from patches.
 *
 * Each patch names the frame before it, to which it applies. A patch of any other frame is refused rather than applied
 * to the wrong one: figures that are slightly wrong look exactly like ones that are right.
 */
export class SnapshotBuilder {
  #latest: { id: string; snapshot: MetricsSnapshot } | null = null;

  /** Whole figures, which heal whatever was missing. */
  keep(id: string, snapshot: MetricsSnapshot): void {
    this.#latest = { id, snapshot };
  }

  /** The figures of frame `id`, which `patch` makes of those of frame `base`; null where we do not hold those. */
  patch(id: string, base: string, patch: unknown): MetricsSnapshot | null {
    if (this.#latest?.id !== base) return null;
    const patched = applyPatch(this.#latest.snapshot as unknown as Json, patch as Json);
    const snapshot = inOrder(patched as unknown as MetricsSnapshot, this.#latest.snapshot);
    this.#latest = { id, snapshot };
    return snapshot;
  }

  /** Forgets everything: the frames of another connection are not ours. */
  forget(): void {
    this.#latest = null;
  }
}

const byKey = (a: { key: string }, b: { key: string }) => compare(a.key, b.key);
const byCount = (a: KeyedTally, b: KeyedTally) => b.count - a.count || byKey(a, b);
const byStart = (a: { from: string }, b: { from: string }) => compare(a.from, b.from);

/** As the server does: by the characters themselves, not as a language would. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** A patched list has its items where they were; the server's lists are in an order, which a patch does not repeat. */
function inOrder(after: MetricsSnapshot, before: MetricsSnapshot): MetricsSnapshot {
  const sorted = { ...after };
  for (const name of ['geo', 'products', 'channels', 'platforms'] as const) {
    if (after[name] !== before[name]) sorted[name] = after[name].toSorted(byCount);
  }
  if (after.sources !== before.sources) sorted.sources = after.sources.toSorted(byKey);
  if (after.trend.items !== before.trend.items) {
    sorted.trend = { ...after.trend, items: after.trend.items.toSorted(byStart) };
  }
  return sorted;
}

/** What tells the items of a list apart, in the order in which it is looked for. */
const KEYS = ['key', 'from'] as const;

/**
 * JSON merge patch (RFC 7396), with one addition: an object patches a list of keyed items.
 *
 * There each member is the patch of the item with that key, null takes the item away, and an unknown key adds one at
 * the end. What the patch does not touch stays the same object, so that readers of slices see no change there.
 */
export function applyPatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  if (Array.isArray(target)) return patchList(target, patch);
  const base: JsonObject = isObject(target) ? target : {};
  // A map, for a name of JavaScript's own, such as `__proto__`, cannot be assigned to an object without harm.
  const result = new Map(Object.entries(base));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) result.delete(name);
    else result.set(name, applyPatch(result.get(name), change));
  }
  return Object.fromEntries(result);
}

function patchList(items: readonly Json[], patch: JsonObject): Json[] {
  const name = KEYS.find((key) => items.some((item) => isObject(item) && key in item)) ?? KEYS[0];
  const left = new Map(Object.entries(patch));
  const kept = items.flatMap((item) => {
    const key = isObject(item) ? item[name] : undefined;
    const change = typeof key === 'string' ? left.get(key) : undefined;
    if (typeof key !== 'string' || change === undefined) return [item];
    left.delete(key);
    return change === null ? [] : [applyPatch(item, change)];
  });
  const added = [...left].flatMap(([key, change]) =>
    change === null ? [] : [applyPatch({ [name]: key }, change)],
  );
  return [...kept, ...added];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
