import type { NewInvitation, Plan, Role, User, UserChange } from '@/api/identity';
import { problemWithEmail } from '@/lib/password';
import { problemWithName, tidy } from '@/lib/person';
import type { Problems } from '@/lib/use-editor';

export interface UserDraft {
  name: string;
  role: Role;
  plan: Plan;
}

export function toDraft({ name, role, plan }: User): UserDraft {
  return { name: name ?? '', role, plan };
}

/** Converts the draft; null removes the name. */
export function readUser({ name, role, plan }: UserDraft) {
  const problem = problemWithName(name);
  const problems: Problems = problem === null ? {} : { name: problem };
  const value: UserChange = { name: tidy(name) === '' ? null : tidy(name), role, plan };
  return { value, problems };
}

export interface InvitationDraft {
  email: string;
  role: Role;
  plan: Plan;
}

export function readInvitation({ email, role, plan }: InvitationDraft) {
  const problem = problemWithEmail(email);
  const problems: Problems = problem === null ? {} : { email: problem };
  const value: NewInvitation = { email: email.trim(), role, plan };
  return { value, problems };
}

/** Returns the whole address of a link, which is a path if the server does not know its public URL. */
export function addressOf(link: string): string {
  return new URL(link, window.location.origin).href;
}
