import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { preloadPages } from './pwa/preload.ts';
import { serviceWorker } from './pwa/plugin.ts';

/** The server that `npm run dev` uses: the real one or `npm run fixture`. */
const backend = process.env['GROUNDSWELL_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    preloadPages(),
    serviceWorker(new URL('./pwa/service-worker.js', import.meta.url)),
  ],
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('./src', import.meta.url)),
      // Radix's dialogs use it. The package adds `<style>` elements, which the content security policy does not allow.
      'react-style-singleton': fileURLToPath(
        new URL('./src/lib/style-singleton.ts', import.meta.url),
      ),
    },
  },
  build: {
    // The content security policy allows fonts and images from our own origin only, so nothing is inlined as `data:`.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // In one file, because every page needs them and small files cost round trips.
        codeSplitting: {
          groups: [
            {
              name: 'framework',
              test: /node_modules[\\/](react|react-dom|scheduler|@tanstack)[\\/]/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': backend,
      '/health': backend,
      '/ws': { target: backend.replace(/^http/, 'ws'), ws: true },
    },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
    // The tests of the design language read the tokens.
    css: { include: [/tokens\.css/] },
    // Only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Without a zone of its own, a test gets this one, wherever it runs.
    env: { TZ: 'UTC' },
  },
});
