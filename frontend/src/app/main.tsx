import '@/styles/globals.css';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { Providers } from '@/app/providers';
import { registration } from '@/features/pwa/model/registration';
import { followSystemTheme } from '@/lib/theme';

followSystemTheme();
// During development, a service worker would serve outdated files.
if (import.meta.env.PROD) registration.start();

/** The page of a share link. It has none of the application around it, which its holder may not use. */
const SharedPage = lazy(async () => {
  const { SharedPage } = await import('@/app/routes/shared');
  return { default: SharedPage };
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element `root`');
createRoot(root).render(
  <StrictMode>
    {window.location.pathname === '/shared' ? (
      <Suspense>
        <SharedPage />
      </Suspense>
    ) : (
      <Providers />
    )}
  </StrictMode>,
);
