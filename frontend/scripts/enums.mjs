/**
 * Writes `src/api/enums.generated.ts`: the values of enums of `openapi.json` that the dashboard offers as choices. Types alone
 * do not exist when the page runs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

/** Enums by the name under which their values are exported. */
const ENUMS = {
  AUDIT_ACTIONS: 'AuditAction',
  PLANS: 'Plan',
  ROLES: 'Role',
  SCOPES: 'AccessScope',
  SOURCE_NETWORKS: 'SourceNetwork',
};

const file = (path) => new URL(`../${path}`, import.meta.url);
const { schemas } = JSON.parse(readFileSync(file('openapi.json'), 'utf8')).components;
const constants = Object.entries(ENUMS).map(
  ([name, schema]) =>
    `/** ${schemas[schema].description} */
export const ${name} = ${JSON.stringify(schemas[schema].enum)} as const satisfies Schemas['${schema}'][];`,
);
const text = `/** Written by \`npm run types\` from \`openapi.json\`; do not edit. */
import type { Schemas } from '@/api/wire';

${constants.join('\n\n')}
`;
const path = file('src/api/enums.generated.ts');
const options = await resolveConfig(path);
writeFileSync(path, await format(text, { ...options, parser: 'typescript' }));
