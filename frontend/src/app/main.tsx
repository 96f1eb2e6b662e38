import '@/styles/globals.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Providers } from '@/app/providers';
import { registration } from '@/features/pwa/model/registration';
import { followSystemTheme } from '@/lib/theme';

followSystemTheme();
// While the dashboard is worked on, a worker would keep showing what it was.
if (import.meta.env.PROD) registration.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element `root`');
createRoot(root).render(
  <StrictMode>
    <Providers />
  </StrictMode>,
);
