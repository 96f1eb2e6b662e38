import type { KeyedTally, MetricsSnapshot } from '@/api/wire';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

/**
 * Applies patches to metric snapshots.
 *
 * Each patch names the frame it applies to. A patch for any other frame is rejected, because slightly wrong figures would
 * go unnoticed.
 */
export class SnapshotBuilder {
  #latest: { id: string; snapshot: MetricsSnapshot } | null = null;

  /** Stores a complete snapshot. */
  keep(id: string, snapshot: MetricsSnapshot): void {
    this.#latest = { id, snapshot };
  }

  /** Applies a patch to frame `base` and returns frame `id`; null if we do not hold `base`. */
  patch(id: string, base: string, patch: unknown): MetricsSnapshot | null {
    if (this.#latest?.id !== base) return null;
    const patched = applyPatch(this.#latest.snapshot as unknown as Json, patch as Json);
    const snapshot = inOrder(patched as unknown as MetricsSnapshot, this.#latest.snapshot);
    this.#latest = { id, snapshot };
    return snapshot;
  }

  /** Drops the snapshot, for a new connection. */
  forget(): void {
    this.#latest = null;
  }
}

const byKey = (a: { key: string }, b: { key: string }) => compare(a.key, b.key);
const byCount = (a: KeyedTally, b: KeyedTally) => b.count - a.count || byKey(a, b);
const byStart = (a: { from: string }, b: { from: string }) => compare(a.from, b.from);

/** Compares by code units, like the server, rather than by locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Restores the server's order in patched lists; patches do not carry it. */
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

/** The properties that identify a list's items, in order of preference. */
const KEYS = ['key', 'from'] as const;

/**
 * Applies a JSON merge patch (RFC 7396), extended so that an object can patch a list of keyed items.
 *
 * Each member patches the item with that key, null removes it, and an unknown key adds an item at the end. Parts that the
 * patch does not touch keep their identity, so that slices of them do not change.
 */
export function applyPatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  if (Array.isArray(target)) return patchList(target, patch);
  const base: JsonObject = isObject(target) ? target : {};
  // A map, because assigning a key such as `__proto__` to an object is unsafe.
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
