import { queryOptions, useQuery } from '@tanstack/react-query';
import { ACCESS, type RestrictedCall } from '@/api/access.generated';
import type { Me, Role, Scope, User } from '@/api/identity';
import { paths } from '@/config/paths';
import { ME_KEY } from '@/config/query-keys';
import { getJson } from '@/lib/api-client';

/** What a call may require, as `openapi.json` names it. */
export type Access = (typeof ACCESS)[RestrictedCall];

/** The role and the scope behind each name; `src/http/access.rs` has the same. */
const REQUIREMENTS: Record<Access, { role: Role; scope: Scope }> = {
  analyst: { role: 'analyst', scope: 'write' },
  admin: { role: 'admin', scope: 'admin' },
  ingest: { role: 'viewer', scope: 'ingest' },
  analyze: { role: 'viewer', scope: 'analyze' },
};

/** From the least to the most. */
const RANKS: Record<Role, number> = { viewer: 0, analyst: 1, admin: 2 };

/** Whether somebody has what a call requires. */
export function hasAccess(me: Me, access: Access): boolean {
  const { role, scope } = REQUIREMENTS[access];
  return RANKS[me.role] >= RANKS[role] && me.scopes.includes(scope);
}

/** Whether the server would let somebody make a call. */
export function mayMake(me: Me, call: RestrictedCall): boolean {
  return hasAccess(me, ACCESS[call]);
}

/** Who makes the requests of this page. It changes when the person signs in, or is refused something. */
export const ME_QUERY = queryOptions({
  queryKey: ME_KEY,
  queryFn: ({ signal }) => getJson<Me>(paths.me, {}, signal),
  staleTime: Infinity,
});

/** Who makes the requests of this page; undefined until that is known. */
export function useMe(): Me | undefined {
  return useQuery(ME_QUERY).data;
}

/** Whether it is known what this person may do, or the request for it has failed. */
export function useIsMeSettled(): boolean {
  return !useQuery(ME_QUERY).isPending;
}

/** Returns whether the server would let this person make a call. Until that is known, it would not. */
export function useMay(): (call: RestrictedCall) => boolean {
  const me = useMe();
  return (call) => me !== undefined && mayMake(me, call);
}

/** Whether this person administers the installation. */
export function useIsAdmin(): boolean {
  const me = useMe();
  return me !== undefined && hasAccess(me, 'admin');
}

/** The name under which others see what a person does. */
export function nameOf({ name, email }: Pick<User, 'name' | 'email'>): string {
  return name ?? email;
}
