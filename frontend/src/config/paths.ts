/** Every address this dashboard asks for, so that a renamed call is changed in one place. */
export const paths = {
  metrics: (panel: 'overall' | 'geo' | 'products' | 'channels' | 'platforms' | 'trend') =>
    `/api/metrics/${panel}`,
  posts: '/api/v1/posts',
  alerts: '/api/v1/alerts',
  acknowledgeAlert: (id: string) => `/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`,
  system: '/api/v1/system',
  docs: '/docs',
} as const;
