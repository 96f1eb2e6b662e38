import type { NewSource, Source } from '@/features/sources/api/wire';

/** What a person does with a source in one click. */
export type SourceAction =
  | { kind: 'create'; content: NewSource }
  /** Creates a deleted source again. It gets another id, and counts from zero. */
  | { kind: 'restore'; source: Source }
  /** `retry` resumes a source that is not paused but has stopped by itself. */
  | { kind: 'pause' | 'resume' | 'retry' | 'delete'; source: Source }
  | { kind: 'backfill'; source: Source; hours: number };

/** How far back a source can be moved, in hours. */
export const BACKFILL_HOURS = [1, 6, 12, 24, 36] as const;

/** `hour`, `24 hours`: as it reads after “the last”. */
export function nameHours(hours: number): string {
  return hours === 1 ? 'hour' : `${hours} hours`;
}

export function nameIn(action: SourceAction): string {
  return action.kind === 'create' ? action.content.name : action.source.name;
}

/** The action that takes another one back; null if none does. `made` is what the server answered. */
export function undoOf(action: SourceAction, made: Source | null): SourceAction | null {
  switch (action.kind) {
    case 'create':
      return made && { kind: 'delete', source: made };
    case 'delete':
      return { kind: 'restore', source: action.source };
    case 'pause':
      return { kind: 'resume', source: action.source };
    case 'resume':
      return { kind: 'pause', source: action.source };
    case 'restore':
    case 'retry':
    case 'backfill':
      return null;
  }
}

/** What was done: `Paused “Bluesky”.` */
export function describeDone(action: SourceAction): string {
  const name = `“${nameIn(action)}”`;
  switch (action.kind) {
    case 'create':
      return `Created ${name}. It starts within seconds.`;
    case 'restore':
      if (action.source.has_credentials) return `Restored ${name}. Enter its key again.`;
      return action.source.network === 'webhook'
        ? `Restored ${name}, with a new address and secret.`
        : `Restored ${name}. It starts from now, with its counts at 0.`;
    case 'delete':
      return `Deleted ${name}. Its posts are kept.`;
    case 'pause':
      return `Paused ${name}.`;
    case 'resume':
      return `Resumed ${name}.`;
    case 'retry':
      return `Restarted ${name}.`;
    case 'backfill':
      return `Backfilling the last ${nameHours(action.hours)} of ${name}.`;
  }
}

const FAILURES: Record<SourceAction['kind'], string> = {
  create: 'could not be created',
  restore: 'could not be restored',
  delete: 'could not be deleted',
  pause: 'could not be paused',
  resume: 'could not be resumed',
  retry: 'could not be started',
  backfill: 'could not be backfilled',
};

/** What was not done: `“Bluesky” could not be paused`. */
export function describeFailed(action: SourceAction): string {
  return `“${nameIn(action)}” ${FAILURES[action.kind]}`;
}

/** A source of all public posts on Bluesky, which needs no settings. */
export const BLUESKY: NewSource = { network: 'bluesky', name: 'Bluesky', settings: {} };
