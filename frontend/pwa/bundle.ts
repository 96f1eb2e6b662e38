import type { Rollup } from 'vite';

export type Bundle = Rollup.OutputBundle;

/** Returns a chunk and its static imports, with their styles. */
export function withImports(bundle: Bundle, fileName: string): Set<string> {
  const files = new Set<string>();
  const take = (name: string) => {
    const chunk = bundle[name];
    if (files.has(name) || chunk?.type !== 'chunk') return;
    files.add(name);
    chunk.imports.forEach(take);
    chunk.viteMetadata?.importedCss.forEach((style) => files.add(style));
  };
  take(fileName);
  return files;
}

/** Returns the chunk of each page of the dashboard, by the name of its file in `src/app/routes`. */
export function pagesOf(bundle: Bundle): Map<string, string> {
  const pages = new Map<string, string>();
  for (const file of Object.values(bundle)) {
    const id = file.type === 'chunk' ? (file.facadeModuleId ?? '') : '';
    const [, page] = /\/app\/routes\/([\w-]+)\.tsx$/.exec(id) ?? [];
    if (page !== undefined) pages.set(page, file.fileName);
  }
  return pages;
}

/** Returns the script that `index.html` loads. */
export function entryOf(bundle: Bundle): string | undefined {
  return Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry)?.fileName;
}
