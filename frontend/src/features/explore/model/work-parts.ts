import { createContext, type ComponentType } from 'react';
import type { ExploredPost } from '@/features/explore/api/wire';

/** Components for the work on posts, which belongs to another feature. */
export interface WorkParts {
  /** Selects posts of a list and acts on them. */
  Bar: ComponentType<{
    items: readonly ExploredPost[];
    selected: readonly ExploredPost[];
    onSelect: (uuids: readonly string[]) => void;
  }>;
  /** What has been done about a post, in a row of a list. */
  Badges: ComponentType<{ item: ExploredPost }>;
  /** The work on one post, in its details. */
  Panel: ComponentType<{ uuid: string }>;
}

/** Null where posts are only shown. */
export const WorkPartsContext = createContext<WorkParts | null>(null);
