import type { PostMapping } from '@/features/sources/api/wire';

/** A field of a post, and its name in the form. */
interface MappedField {
  /** Where its pointer is in the mapping: `author.handle`. */
  path: string;
  label: string;
  hint?: string;
}

/** What most posts have. Only the text is required, and an empty pointer to it is one to the whole item. */
export const FIRST_FIELDS = [
  { path: 'text', label: 'Text', hint: 'Leave empty if each item is the text itself.' },
  {
    path: 'id',
    label: 'Id',
    hint: 'Without it, a repeated delivery counts once, but the same post in another delivery counts again.',
  },
  {
    path: 'created_at',
    label: 'Time',
    hint: 'RFC 3339, or seconds or milliseconds since 1970. Without it, the time of arrival.',
  },
  { path: 'author.handle', label: 'Author' },
  { path: 'url', label: 'Link' },
] as const satisfies MappedField[];

/** What else posts may have. */
export const MORE_FIELDS = [
  { path: 'platform', label: 'Platform' },
  { path: 'lang', label: 'Language' },
  { path: 'product', label: 'Product' },
  { path: 'channel', label: 'Channel' },
  { path: 'parent_id', label: 'Id of the post it replies to' },
  { path: 'author.id', label: 'Id of the author' },
  { path: 'author.followers', label: 'Followers of the author' },
  { path: 'author.location', label: 'Location of the author' },
  { path: 'geo.city', label: 'City' },
  { path: 'geo.country', label: 'Country' },
  { path: 'geo.lat', label: 'Latitude' },
  { path: 'geo.lon', label: 'Longitude' },
  { path: 'engagement.likes', label: 'Likes' },
  { path: 'engagement.shares', label: 'Shares' },
  { path: 'engagement.comments', label: 'Comments' },
  { path: 'engagement.views', label: 'Views' },
] as const satisfies MappedField[];

export const MAPPED_FIELDS = [...FIRST_FIELDS, ...MORE_FIELDS];

export type MappedPath = (typeof MAPPED_FIELDS)[number]['path'];

/** The pointer of each field that has one. */
export type Pointers = Partial<Record<MappedPath, string>>;

/** The server's limit on a pointer, in characters. */
export const POINTER_MAX = 512;

/** Whether the text is a JSON Pointer (RFC 6901). */
export function isPointer(text: string): boolean {
  return text.length <= POINTER_MAX && /^(\/([^~/]|~[01])*)*$/.test(text);
}

export function toPointers(mapping: PostMapping): Pointers {
  const found = MAPPED_FIELDS.map(({ path }) => {
    const value = path
      .split('.')
      .reduce<unknown>((part, name) => (part as Record<string, unknown> | null)?.[name], mapping);
    return [path, value];
  });
  return Object.fromEntries(found.filter(([, value]) => typeof value === 'string')) as Pointers;
}

/** The mapping of these pointers, without those that are empty. */
export function readPointers(pointers: Pointers): PostMapping {
  const mapping: Record<string, unknown> = { text: pointers.text?.trim() ?? '' };
  for (const { path } of MAPPED_FIELDS) {
    const pointer = pointers[path]?.trim() ?? '';
    if (pointer === '') continue;
    const [first = '', inner] = path.split('.');
    mapping[first] =
      inner === undefined
        ? pointer
        : { ...(mapping[first] as Record<string, string> | undefined), [inner]: pointer };
  }
  return mapping as PostMapping;
}
