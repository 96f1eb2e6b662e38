import { useQueries } from '@tanstack/react-query';
import type { ApiKey, Client, User } from '@/api/identity';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { nameOf, useIsAdmin } from '@/lib/me';

/** The kinds of callers that have an id and a name. */
export type IdentityKind = 'user' | 'api_key' | 'client';

/** What the server calls them in texts. */
const KIND_NAMES: Record<IdentityKind, string> = {
  user: 'user',
  api_key: 'API key',
  client: 'client',
};

/** An identity as far as it is known. */
export interface KnownIdentity {
  id: string;
  /** Under which others see what it does. */
  name: string;
  /** Only of people. */
  email?: string;
}

interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** Beyond this many pages of a list, names are not worth the requests. */
const PAGES_MAX = 10;

async function listAll<Item>(path: string, limit: number | undefined, signal: AbortSignal) {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let n_pages = 0; n_pages < PAGES_MAX; n_pages++) {
    const page = await getJson<Page<Item>>(path, { limit, cursor }, signal);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
    if (cursor === undefined) break;
  }
  return items;
}

/** The keys begin like those of the lists, so that a change of an account also refreshes its name. */
const LISTS: Record<
  IdentityKind,
  { key: string; list: (signal: AbortSignal) => Promise<KnownIdentity[]> }
> = {
  user: {
    key: 'users',
    list: async (signal) => {
      const users = await listAll<User>(paths.users, 500, signal);
      return users.map((user) => ({ id: user.id, name: nameOf(user), email: user.email }));
    },
  },
  api_key: { key: 'api-keys', list: (signal) => listAll<ApiKey>(paths.apiKeys, 200, signal) },
  client: {
    key: 'clients',
    list: (signal) => listAll<Client>(paths.clients, undefined, signal),
  },
};

/**
 * Returns the identities of these kinds by id, from one list of each kind. Those that are archived or long gone are missing,
 * and for everybody but admins all are: only admins may list them.
 */
export function useIdentities(kinds: readonly IdentityKind[]): ReadonlyMap<string, KnownIdentity> {
  const isAdmin = useIsAdmin();
  return useQueries({
    queries: kinds.map((kind) => ({
      queryKey: [LISTS[kind].key, 'names'],
      queryFn: ({ signal }: { signal: AbortSignal }) => LISTS[kind].list(signal),
      enabled: isAdmin,
      staleTime: 60_000,
    })),
    combine: (results) =>
      new Map(results.flatMap(({ data = [] }) => data.map((known) => [known.id, known] as const))),
  });
}

/** `…99a8057c`: the end of an id, because ids that were made at about the same time begin alike. */
export function shortenId(id: string): string {
  return id.length <= 12 ? id : `…${id.slice(-8)}`;
}

/** `Ana`, `API key “Shop import”`, or `API key …99a8057c` without a name. */
export function describeIdentity(kind: IdentityKind, id: string, name: string | null): string {
  if (name === null) return `${KIND_NAMES[kind]} ${shortenId(id)}`;
  return kind === 'user' ? name : `${KIND_NAMES[kind]} “${name}”`;
}

const IN_TEXT = /^(user|API key|client) ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/** Parses `API key 0191…`, under which the server records changes of those whose name it does not look up. */
export function parseIdentity(text: string): { kind: IdentityKind; id: string } | null {
  const [, kindName, id] = IN_TEXT.exec(text) ?? [];
  const kinds = Object.keys(KIND_NAMES) as IdentityKind[];
  const kind = kinds.find((one) => KIND_NAMES[one] === kindName);
  return kind === undefined || id === undefined ? null : { kind, id };
}

/** Who is recorded with a change: a name as it is, and `API key …99a8057c` for the id of a key or client. */
export function describeRecorded(text: string): string {
  const identity = parseIdentity(text);
  return identity === null ? text : describeIdentity(identity.kind, identity.id, null);
}
