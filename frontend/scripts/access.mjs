/**
 * Writes `src/api/access.generated.ts`: who may make each call of `openapi.json` that not everyone who may read may make.
 * The dashboard offers nobody what the server would refuse.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

/** Access that everyone has who sees a page: `owner` is about objects of one's own. */
const USUAL = new Set(['anyone', 'identified', 'owner', 'viewer']);

const file = (path) => new URL(`../${path}`, import.meta.url);
const { paths } = JSON.parse(readFileSync(file('openapi.json'), 'utf8'));
const restricted = Object.values(paths)
  .flatMap((calls) => Object.values(calls))
  .map((call) => [call.operationId, call['x-groundswell-access']])
  .filter(([, access]) => access !== undefined && !USUAL.has(access))
  .toSorted(([a], [b]) => (a < b ? -1 : 1));
const text = `/** Written by \`npm run types\` from \`openapi.json\`; do not edit. */

/** What each call requires that not everyone who may read may make, by its \`operationId\`. */
export const ACCESS = ${JSON.stringify(Object.fromEntries(restricted))} as const;

/** A call that not everyone who may read may make. */
export type RestrictedCall = keyof typeof ACCESS;
`;
const path = file('src/api/access.generated.ts');
const options = await resolveConfig(path);
writeFileSync(path, await format(text, { ...options, parser: 'typescript' }));
