import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { Role } from '@/api/identity';
import { ActorName } from '@/components/ui/actor-name';
import { sampleMe } from '@/testing/people';
import { answerFetch, renderWithQueries } from '@/testing/render';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

function show(name: string, role: Role) {
  const requests = answerFetch({
    '/api/v1/api-keys': () => ({ items: [{ id: ID, name: 'Shop import' }], next_cursor: null }),
  });
  renderWithQueries(<ActorName name={name} />, sampleMe(role));
  return requests;
}

test('an admin sees the name of a key, whose id stays in its title', async () => {
  show(`API key ${ID}`, 'admin');
  expect((await screen.findByText('API key “Shop import”')).title).toContain(ID);
});

test('others see the end of the id, and ask for no list', async () => {
  const requests = show(`API key ${ID}`, 'viewer');
  await screen.findByText('API key …099a8057');
  expect(requests.filter(({ url }) => url.pathname === '/api/v1/api-keys')).toEqual([]);
});

test('a name stands as it is', async () => {
  const requests = show('Ana', 'admin');
  await screen.findByText('Ana');
  expect(requests.filter(({ url }) => url.pathname !== '/api/v1/auth/me')).toEqual([]);
});
