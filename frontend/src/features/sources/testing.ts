import type { Source } from '@/features/sources/api/wire';

/** A source that hears Bluesky. */
export function sampleSource(changes: Partial<Source>): Source {
  return {
    id: 's1',
    network: 'bluesky',
    name: 'Bluesky',
    settings: {},
    state: 'running',
    lag_s: 0.4,
    last_post_at: new Date(Date.now() - 12_000).toISOString(),
    offered: 1_204,
    stored: 1_200,
    rejected: 4,
    erased: 31,
    gaps: [],
    has_credentials: false,
    quota: [],
    created_at: '2026-11-20T08:00:00Z',
    updated_at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    updated_by: 'Ann',
    ...changes,
  };
}
