import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { HealthBanner } from '@/features/pipeline/components/health-banner';
import { SystemView } from '@/features/pipeline/components/system-view';
import { describeProblems } from '@/features/pipeline/model/problems';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { sampleSystem } from '@/testing/samples';

const [stage] = sampleSystem.stages;

test('a healthy server says nothing', () => {
  const { container } = render(<HealthBanner system={sampleSystem} />);
  expect(container.textContent).toBe('');
});

test.each([
  ['Redis', { redis: { reachable: false }, stream: null }, 'Redis is away'],
  ['PostgreSQL', { postgres: { reachable: false } }, 'PostgreSQL is away'],
  ['a stage', { stages: [{ ...stage!, state: 'frozen' as const }] }, 'aggregator does not answer'],
  [
    'the model',
    { model: { ...sampleSystem.model, name: 'lexicon', degraded: 'no weights' } },
    'lexicon',
  ],
  ['one post', { stream: { length: 0, lag: 0, pending: 0, dead: 1 } }, '1 post could not'],
])('trouble with %s is told in a sentence', (_, changes, words) => {
  const problems = describeProblems({ ...sampleSystem, ...changes });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

test('the system page lists the stages', async () => {
  answerFetch({ '/api/v1/system': () => sampleSystem });
  renderWithQueries(<SystemView />);
  expect(await screen.findByRole('table', { name: 'Stages of the pipeline' })).toBeTruthy();
  expect(screen.getByText('swift 1')).toBeTruthy();
});

test('a server that does not answer is said not to', async () => {
  answerFetch({});
  renderWithQueries(<SystemView />);
  expect((await screen.findByRole('alert')).textContent).toContain('no such call');
});
