/** Presses everything that each page offers to a viewer and to an analyst: nothing may lead to a call that is refused. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { useState, type ReactNode } from 'react';
import { beforeAll, expect, test, vi } from 'vitest';
import openApi from '../../openapi.json?raw';
import { ACCESS, type RestrictedCall } from '@/api/access.generated';
import type { Role } from '@/api/identity';
import type { ScoredPost, SystemStatus } from '@/api/wire';
import { AppChartNotes } from '@/app/chart-notes';
import { NotesContext } from '@/components/charts/notes';
import { ME_KEY } from '@/config/query-keys';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { AlertsView } from '@/features/alerts/components/alerts-view';
import { parsePlace, TABS } from '@/features/alerts/model/place';
import { ExploreView } from '@/features/explore/components/explore-view';
import { parseQuery } from '@/features/explore/model/query';
import { WorkPartsContext } from '@/features/explore/model/work-parts';
import { SystemView } from '@/features/pipeline/components/system-view';
import { ReportsView } from '@/features/reports/components/reports-view';
import { SourcesView } from '@/features/sources/components/sources-view';
import { TopicsView } from '@/features/topics/components/topics-view';
import { QueueView } from '@/features/work/components/queue-view';
import { ListWorkBar } from '@/features/work/components/work-bar';
import { WorkBadges } from '@/features/work/components/work-badges';
import { WorkPanel } from '@/features/work/components/work-panel';
import { mayMake } from '@/lib/me';
import { sampleMe } from '@/testing/people';
import { sampleSystem } from '@/testing/samples';

/** The responses of `npm run fixture`, which are many and varied. */
type Answer = (url: URL, method: string, body: unknown, kept: unknown) => object | null;
type Fixture = Record<string, Answer> & {
  makePost: (now: number) => ScoredPost;
  makeAlerts: (posts: ScoredPost[]) => unknown;
  fillQueue: (posts: ScoredPost[]) => void;
};
const modules = import.meta.glob<Fixture>(
  '../../dev/fixture-{alerts,pages,posts,sources,topics,work}.mjs',
  { eager: true },
);
const fixture: Fixture = Object.assign({}, ...Object.values(modules));

const posts = Array.from({ length: 40 }, (_, i) => fixture.makePost(Date.now() - i * 6_000));
const alerts = fixture.makeAlerts(posts);

function answer(url: URL, method: string, body: unknown): object | null {
  const id = /^\/api\/v1\/posts\/([\w-]+)$/.exec(url.pathname)?.[1];
  const post = posts.find((scored) => scored.post.uuid === id);
  if (post !== undefined) return { ...post, history: [] };
  if (url.pathname === '/api/v1/posts') return { items: posts.slice(0, 2), next_cursor: null };
  if (url.pathname === '/api/v1/system') return system;
  for (const name of ['answerAlert', 'answerPages', 'answerWork', 'answerSources'] as const) {
    const found = fixture[name]?.(url, method, body, alerts);
    if (found) return found;
  }
  return fixture['answerTopics']?.(url, method, body, posts) ?? null;
}

const system: SystemStatus = {
  ...sampleSystem,
  stream: { length: 0, lag: 0, pending: 0, dead: 2 },
};

/** The calls of the document that somebody may be refused, by method and path. */
const calls = Object.entries(
  (JSON.parse(openApi) as { paths: Record<string, Record<string, { operationId: string }>> }).paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { operationId }]) =>
    operationId in ACCESS
      ? [
          {
            call: operationId as RestrictedCall,
            method: method.toUpperCase(),
            path: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`),
          },
        ]
      : [],
  ),
);

/** The restricted calls that the page has made. */
let made: RestrictedCall[] = [];

beforeAll(() => fixture.fillQueue(posts.slice(0, 3)));

function answerFromFixture() {
  made = [];
  vi.stubGlobal('fetch', async (address: string, init?: RequestInit) => {
    const url = new URL(address, 'http://test');
    const method = init?.method ?? 'GET';
    const found = calls.find((known) => known.method === method && known.path.test(url.pathname));
    if (found !== undefined) made.push(found.call);
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    const response = answer(url, method, body);
    const missing = { error: { code: 'not_found', message: 'no such call' } };
    return new Response(JSON.stringify(response ?? missing), { status: response ? 200 : 404 });
  });
}

/** Keeps the state that the address of a page has. */
function Placed<Place>({ first, children }: { first: Place; children: PlacedChild<Place> }) {
  const [place, setPlace] = useState(first);
  return children(place, setPlace);
}
type PlacedChild<Place> = (place: Place, onChange: (next: Place) => void) => ReactNode;

const alertsAt = (search: Record<string, string>) => (
  <Placed first={parsePlace(search)}>
    {(place, onChange) => <AlertsView place={place} onChange={onChange} pushed={[]} />}
  </Placed>
);

const WORK_PARTS = { Bar: ListWorkBar, Badges: WorkBadges, Panel: WorkPanel };

const exploreAt = (search: Record<string, string>) => (
  <NotesContext value={(props) => <AppChartNotes {...props} />}>
    <WorkPartsContext value={WORK_PARTS}>
      <Placed first={parseQuery(search)}>
        {(query, onChange) => (
          <ExploreView
            query={query}
            onChange={onChange}
            onOpenView={() => undefined}
            renderScores={() => null}
          />
        )}
      </Placed>
    </WorkPartsContext>
  </NotesContext>
);

const PAGES: Record<string, () => ReactNode> = {
  'alerts of Live': () => <AlertsPanel pushed={[]} />,
  'explore, with a post': () => exploreAt({ post: posts[0]?.post.uuid ?? '' }),
  queue: () => (
    <Placed first={{ owner: 'all', order: 'oldest' } as const}>
      {(place) => <QueueView place={place} onChange={() => undefined} nameForm={null} />}
    </Placed>
  ),
  'an alert': () => alertsAt({ alert: 'a4' }),
  ...Object.fromEntries(TABS.map((tab) => [`alerts: ${tab}`, () => alertsAt({ tab })])),
  topics: () => <TopicsView renderPost={() => null} />,
  sources: () => <SourcesView />,
  reports: () => <ReportsView />,
  system: () => <SystemView pushed={null} postsPerSecond={1} />,
};

async function open(role: Role, page: () => ReactNode) {
  cleanup();
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(ME_KEY, sampleMe(role));
  render(<QueryClientProvider client={client}>{page()}</QueryClientProvider>);
  const settle = () =>
    waitFor(() => {
      if (client.isFetching() + client.isMutating() > 0) throw new Error('requests are under way');
    });
  await settle();
  return settle;
}

/** The name of a control, in which each item of a list has its own. */
const nameOf = (control: HTMLElement) => control.getAttribute('aria-label') ?? control.textContent;

/** Controls whose names begin with the same word do the same to another item. */
const kindOf = (control: HTMLElement) => nameOf(control).trim().split(/[\s:]/)[0] ?? '';

/** What can be pressed. Not by role: names and visibility of everything would be computed for each press. */
const controls = () => [...document.querySelectorAll<HTMLElement>('button, summary')];

/** One control of each kind. */
const oneOfEach = (found: readonly HTMLElement[]) =>
  new Map(found.toReversed().map((control) => [kindOf(control), control]));

const CLOSING = ['Close', 'Cancel'];

/** Presses one control of each kind, each on a page of its own, and then whatever that has opened. */
async function pressEverything(role: Role, page: () => ReactNode) {
  await open(role, page);
  for (const kind of oneOfEach(controls()).keys()) {
    const settle = await open(role, page);
    const before = new Set(controls());
    const control = oneOfEach(controls()).get(kind);
    if (control === undefined) continue;
    act(() => void fireEvent.click(control));
    await settle();
    const opened = oneOfEach(controls().filter((other) => !before.has(other)));
    for (const [openedKind, other] of opened) {
      if (CLOSING.includes(openedKind)) continue;
      act(() => void fireEvent.click(other));
      await settle();
    }
  }
}

const roles = (['viewer', 'analyst'] as const).flatMap((role) =>
  Object.keys(PAGES).map((page) => [role, page] as const),
);

test.each(roles)('nothing that %s is offered is refused: %s', async (role, page) => {
  answerFromFixture();
  await pressEverything(role, PAGES[page] ?? (() => null));
  expect(made.filter((call) => !mayMake(sampleMe(role), call))).toEqual([]);
});

test('the same presses make an admin change things on every page', async () => {
  const found = new Set<RestrictedCall>();
  for (const page of Object.values(PAGES)) {
    answerFromFixture();
    await pressEverything('admin', page);
    for (const call of made) found.add(call);
  }
  expect([...found]).toEqual(
    expect.arrayContaining([
      ...['acknowledge_alert', 'create_silence', 'end_silence', 'replace_alert_rule'],
      ...['delete_notification_channel', 'delete_topic', 'pause_source', 'preview_report'],
      ...['change_work_on_posts', 'correct_label', 'reload_models', 'replay_dead_letters'],
    ]),
  );
});
