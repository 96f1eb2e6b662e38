import type { AuditEntry } from '@/api/identity';

const KINDS: Record<string, string> = {
  user: 'user',
  api_key: 'API key',
  client: 'client',
  operator: 'the operator',
  local_operator: 'someone without an account',
  share_holder: 'the holder of a share link',
  stranger: 'a stranger',
  command_line: 'the command line',
  system: 'Groundswell',
};

/** `Ana`, `API key 0191…`, `the operator (“Ana”)`: a name in quotes is one that nobody verified. */
export function describeActor(entry: AuditEntry, nameOf: (id: string) => string | null): string {
  const { actor_kind, actor_id, actor_name } = entry;
  const kind = KINDS[actor_kind] ?? actor_kind;
  const known = actor_kind === 'user' && actor_id != null ? nameOf(actor_id) : null;
  if (known !== null) return known;
  const given = actor_name == null ? '' : ` (“${actor_name}”)`;
  return `${kind}${actor_id == null ? '' : ` ${actor_id}`}${given}`;
}

/** Whether an entry has more to tell than its line does. */
export function hasDetails({ payload }: AuditEntry): boolean {
  return Object.keys(payload).length > 0;
}
