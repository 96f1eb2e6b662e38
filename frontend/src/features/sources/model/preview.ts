import type { MappingPreview, NewPost } from '@/features/sources/api/wire';
import { MAPPED_FIELDS } from '@/features/sources/model/mapping';
import { formatCount } from '@/lib/format';

/** `2 posts`, `1 post, 3 items rejected`. */
export function describePreview({ posts, rejected }: MappingPreview): string {
  const accepted = `${formatCount(posts.length)} ${posts.length === 1 ? 'post' : 'posts'}`;
  if (rejected.length === 0) return accepted;
  return `${accepted}, ${formatCount(rejected.length)} ${rejected.length === 1 ? 'item' : 'items'} rejected`;
}

/** What a post says besides its text, with the names of the form. */
export function factsOf(post: NewPost): [name: string, value: string][] {
  return MAPPED_FIELDS.flatMap(({ path, label }): [string, string][] => {
    const value = path
      .split('.')
      .reduce<unknown>((part, name) => (part as Record<string, unknown> | null)?.[name], post);
    const isFact = typeof value === 'string' || typeof value === 'number';
    return path === 'text' || !isFact ? [] : [[label, String(value)]];
  });
}
