import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { entryOf, pagesOf, withImports, type Bundle } from './bundle.ts';

/** Files needed offline besides those of the Live page. */
const ALWAYS = [
  '/',
  '/theme.js',
  '/preload.js',
  '/favicon.svg',
  '/manifest.webmanifest',
  '/icons/icon-192.png',
];

/** Writes `sw.js` with the files of this build: it precaches those of the Live page and caches the others on demand. */
export function serviceWorker(source: URL): Plugin {
  return {
    name: 'groundswell-service-worker',
    apply: 'build',
    writeBundle: {
      order: 'post',
      handler({ dir = 'dist' }, bundle) {
        const shell = [...ALWAYS, ...filesOfLive(bundle)];
        const script = readFileSync(source, 'utf8');
        const digest = createHash('sha256').update(script).update(shell.join('\n'));
        for (const file of Object.values(bundle)) {
          digest.update(file.type === 'chunk' ? file.code : file.source);
        }
        const written = script
          .replace('__VERSION__', digest.digest('hex').slice(0, 12))
          .replace("['__SHELL__']", JSON.stringify(shell, null, 2));
        writeFileSync(join(dir, 'sw.js'), written);
      },
    },
  };
}

/** Returns the entry, the Live page and their static imports, with styles and fonts. */
function filesOfLive(bundle: Bundle): string[] {
  const chunks = [entryOf(bundle), pagesOf(bundle).get('live')];
  const files = chunks.flatMap((name) => [...withImports(bundle, name ?? '')]);
  const fonts = Object.keys(bundle).filter((name) => /latin-wght.*\.woff2$/.test(name));
  return [...new Set([...files, ...fonts])].map((name) => `/${name}`);
}
