/** Every address this dashboard asks for, so that a renamed call is changed in one place. */
export const paths = {
  metrics: (panel: 'overall' | 'geo' | 'products' | 'channels' | 'platforms' | 'trend') =>
    `/api/metrics/${panel}`,
  posts: '/api/v1/posts',
  post: (uuid: string) => `/api/v1/posts/${encodeURIComponent(uuid)}`,
  alerts: '/api/v1/alerts',
  acknowledgeAlert: (id: string) => `/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`,
  system: '/api/v1/system',
  reloadModels: '/api/v1/models/reload',
  docs: '/docs',
} as const;
