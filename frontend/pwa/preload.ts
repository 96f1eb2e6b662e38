import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { entryOf, pagesOf, withImports, type Bundle } from './bundle.ts';

/**
 * Writes `preload.js`, which requests the files of the page in the address at once.
 *
 * Without it, the browser would learn of them only when the entry has been loaded and run. A separate file, because all
 * pages share one document and the content security policy forbids inline scripts.
 */
export function preloadPages(): Plugin {
  return {
    name: 'groundswell-preload-pages',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'script',
        attrs: { src: '/preload.js', async: true, fetchpriority: 'high' },
        injectTo: 'head',
      },
    ],
    writeBundle: {
      order: 'post',
      handler({ dir = 'dist' }, bundle) {
        const pages = JSON.stringify(filesByPath(bundle), null, 2);
        writeFileSync(join(dir, 'preload.js'), SCRIPT.replace('PAGES', pages));
      },
    },
  };
}

const SCRIPT = `(function () {
  var pages = PAGES;
  (pages[location.pathname] || []).forEach(function (file) {
    var link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = file;
    document.head.appendChild(link);
  });
})();
`;

/** Returns what a page needs besides the entry, by its path. */
function filesByPath(bundle: Bundle): Record<string, string[]> {
  const first = withImports(bundle, entryOf(bundle) ?? '');
  return Object.fromEntries(
    [...pagesOf(bundle)].map(([page, fileName]) => {
      const files = [...withImports(bundle, fileName)];
      const later = files.filter((name) => name.endsWith('.js') && !first.has(name));
      return [page === 'live' ? '/' : `/${page}`, later.map((name) => `/${name}`)];
    }),
  );
}
