import '@/styles/globals.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Providers } from '@/app/providers';
import { registration } from '@/features/pwa/model/registration';
import { followSystemTheme } from '@/lib/theme';

followSystemTheme();
// During development, a service worker would serve outdated files.
if (import.meta.env.PROD) registration.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element `root`');
createRoot(root).render(
  <StrictMode>
    <Providers />
  </StrictMode>,
);
