import type { Me, Role, Scope, User } from '@/api/identity';

/** The scopes of each role, as the server gives them. */
const SCOPES_OF: Record<Role, Scope[]> = {
  viewer: ['read', 'analyze'],
  analyst: ['read', 'ingest', 'write', 'analyze'],
  admin: ['read', 'ingest', 'write', 'analyze', 'admin'],
};

/** A person with an account. */
export function sampleUser(changes: Partial<User> = {}): User {
  return {
    id: 'u1',
    email: 'ana@example.com',
    name: 'Ana',
    plan: 'pro',
    role: 'analyst',
    is_active: true,
    created_at: '2026-01-02T08:00:00Z',
    updated_at: '2026-01-02T08:00:00Z',
    last_sign_in_at: null,
    ...changes,
  };
}

/** A person with an account who is signed in. */
export function sampleMe(role: Role, changes: Partial<User> = {}): Me {
  const user = sampleUser({ role, ...changes });
  return {
    identity: 'user',
    user,
    role,
    scopes: SCOPES_OF[role],
    plan: user.plan,
    sign_in: 'required',
  };
}

/** Somebody on a machine whose server asks nobody who they are. */
export const LOCAL_OPERATOR: Me = {
  identity: 'local_operator',
  user: null,
  role: 'admin',
  scopes: SCOPES_OF.admin,
  plan: 'enterprise',
  sign_in: 'open',
};
