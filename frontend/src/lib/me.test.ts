import { expect, test } from 'vitest';
import { ACCESS } from '@/api/access.generated';
import type { Role } from '@/api/identity';
import { mayMake } from '@/lib/me';
import { sampleMe } from '@/testing/people';

test('a role may make the calls that the document gives to it', () => {
  const check = (role: Role, call: keyof typeof ACCESS, expected: boolean) =>
    expect(mayMake(sampleMe(role), call), `${role}: ${call}`).toBe(expected);
  check('viewer', 'score_texts', true);
  check('viewer', 'create_topic', false);
  check('viewer', 'create_source', false);
  check('analyst', 'ingest_posts', true);
  check('analyst', 'create_topic', true);
  check('analyst', 'create_source', false);
  check('admin', 'create_topic', true);
  check('admin', 'create_source', true);
});

test('a credential with few scopes may do less than the role of its owner', () => {
  const reader = { ...sampleMe('admin'), scopes: ['read' as const] };
  expect(
    Object.keys(ACCESS).filter((call) => mayMake(reader, call as keyof typeof ACCESS)),
  ).toEqual([]);
});
