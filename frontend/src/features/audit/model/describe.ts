import type { AuditEntry } from '@/api/identity';
import {
  describeIdentity,
  parseIdentity,
  shortenId,
  type IdentityKind,
  type KnownIdentity,
} from '@/lib/identity-names';

type Known = ReadonlyMap<string, KnownIdentity>;

const NAMED: readonly IdentityKind[] = ['user', 'api_key', 'client'];

/** Those without a name of their own. */
const OTHERS: Record<string, string> = {
  operator: 'the operator',
  local_operator: 'someone without an account',
  share_holder: 'the holder of a share link',
  stranger: 'a stranger',
  command_line: 'the command line',
  system: 'Groundswell',
};

/** `Ana`, `API key “Shop import”`, `the operator (“Ana”)`: a name in parentheses is one that nobody verified. */
export function describeActor(entry: AuditEntry, known: Known): string {
  const { actor_kind, actor_id, actor_name } = entry;
  const kind = NAMED.find((named) => named === actor_kind);
  if (kind !== undefined && actor_id != null) {
    return describeIdentity(kind, actor_id, known.get(actor_id)?.name ?? recordedName(actor_name));
  }
  const id = actor_id == null ? '' : ` ${shortenId(actor_id)}`;
  const given = actor_name == null ? '' : ` (“${actor_name}”)`;
  return `${OTHERS[actor_kind] ?? actor_kind}${id}${given}`;
}

/** The name of an account when it acted, which is all that is known of one that is archived. */
function recordedName(name: string | null | undefined): string | null {
  return name == null || parseIdentity(name) !== null ? null : name;
}

/** The name of what was changed if it is an account, a key or a client, else its id. */
export function describeObject(object: string, known: Known): string {
  return known.get(object)?.name ?? object;
}

/** Returns what an actor's filter asks for, with the ids of people of that name or address: sign-ins are recorded without. */
export function actorsOf(actor: string, known: Known): readonly string[] {
  const sought = actor.toLowerCase();
  const ids = [...known.values()]
    .filter(({ name, email }) => [name, email].some((one) => one?.toLowerCase() === sought))
    .map(({ id }) => id);
  return [actor, ...ids].slice(0, ACTORS_MAX);
}

/** The server's limit. */
const ACTORS_MAX = 20;

/** Whether an entry has more to tell than its line does. */
export function hasDetails({ payload }: AuditEntry): boolean {
  return Object.keys(payload).length > 0;
}
