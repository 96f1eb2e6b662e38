import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { readdirSync } from 'node:fs';
import tseslint from 'typescript-eslint';

/** Imports go one way: shared folders ← features ← app. Neighbouring features do not know each other. */
function forbid(files, groups) {
  const patterns = groups.map(([group, message]) => ({ group, message }));
  // A path that climbs would slip through the patterns below.
  patterns.push({ group: ['../*'], message: 'Import across folders with `@/`.' });
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

const app = [['@/app', '@/app/*'], 'Only main.tsx starts the app; nothing else may know it.'];
const features = [['@/features/*', '@/features'], 'Shared code knows no feature.'];

const neighbours = readdirSync(new URL('./src/features', import.meta.url)).map((name) =>
  forbid(
    [`src/features/${name}/**/*.{ts,tsx}`],
    [
      app,
      [
        ['@/features/*', `!@/features/${name}`, `!@/features/${name}/**`],
        'A feature does not know its neighbours; compose them in `app`.',
      ],
    ],
  ),
);

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.generated.d.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.strict, tseslint.configs.stylistic],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
  forbid(['src/{api,components,config,lib,live}/**/*.{ts,tsx}'], [app, features]),
  forbid(
    ['src/{api,config,lib}/**/*.ts'],
    [app, features, [['@/components/*'], 'Data does not know how it is drawn.']],
  ),
  forbid(
    ['src/live/**/*.ts'],
    [app, features, [['@/components/*', '@/lib/*'], 'The feed knows only the wire.']],
  ),
  {
    files: ['src/live/**/*.ts'],
    ignores: ['src/live/store.ts', 'src/live/**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'react',
                'react-dom',
                '@/components/*',
                '@/lib/*',
                '@/app/*',
                '@/features/*',
                '../*',
              ],
              message: 'The live client knows the wire and the browser, nothing else.',
            },
          ],
        },
      ],
    },
  },
  ...neighbours,
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/**/*.test.{ts,tsx}', 'src/testing/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'WebSocket', message: 'The socket is one file: live/websocket.ts.' },
      ],
    },
  },
  { files: ['src/live/websocket.ts'], rules: { 'no-restricted-globals': 'off' } },
  {
    files: ['{scripts,dev,e2e}/**/*.mjs', 'public/*.js', '*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'console',
          'process',
          'URL',
          'Buffer',
          'setTimeout',
          'setInterval',
          'clearTimeout',
          'clearInterval',
          'fetch',
          'document',
          'window',
          'localStorage',
          'matchMedia',
          'performance',
          'getComputedStyle',
          'CSSStyleSheet',
          'requestAnimationFrame',
          'AbortSignal',
          'MutationObserver',
          'PerformanceObserver',
          'navigator',
          'caches',
          'self',
          'location',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['pwa/service-worker.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['self', 'caches', 'fetch', 'URL', 'Response', 'AbortSignal'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    files: ['src/**/*.test.{ts,tsx}'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
