import {
  describeIdentity,
  parseIdentity,
  useIdentities,
  type IdentityKind,
} from '@/lib/identity-names';

/** Who did something: a name, or that of an API key or client, of which the server records the id. */
export function ActorName({ name }: { name: string }) {
  const identity = parseIdentity(name);
  return identity === null ? name : <IdentityName {...identity} title={name} />;
}

interface IdentityNameProps {
  kind: IdentityKind;
  id: string;
  title: string;
}

function IdentityName({ kind, id, title }: IdentityNameProps) {
  const known = useIdentities([kind]);
  return <span title={title}>{describeIdentity(kind, id, known.get(id)?.name ?? null)}</span>;
}
