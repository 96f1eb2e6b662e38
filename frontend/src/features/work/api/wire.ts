import type { Schemas } from '@/api/wire';

export type PostWork = Schemas['PostWork'];
export type WorkMoment = Schemas['WorkMoment'];
export type WorkHistory = Schemas['WorkHistory'];
export type WorkResult = Schemas['WorkResult'];
export type WorkChanges = Schemas['WorkChanges'];
export type QueuedPost = Schemas['ListedPost'];
export type QueuePage = Schemas['Page_ListedPost'];

/** A change without the revision that it is based on. */
export type WorkChange = Omit<Schemas['WorkChange'], 'revision' | 'add_tags' | 'remove_tags'> & {
  add_tags?: string[];
  remove_tags?: string[];
};

export const STATUSES = [
  'open',
  'in_progress',
  'answered',
  'closed',
] as const satisfies Schemas['WorkStatus'][];
export type Status = (typeof STATUSES)[number];
