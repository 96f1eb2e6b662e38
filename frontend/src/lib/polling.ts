interface Polling {
  everyMs: number;
  paused: boolean;
}

/**
 * Query options for figures that are refreshed while the page is live.
 *
 * While it is paused, an answer stays as it is, also when the person leaves the page and returns to it.
 */
export function polled({ everyMs, paused }: Polling) {
  return paused
    ? { refetchInterval: false as const, staleTime: Infinity, gcTime: Infinity }
    : { refetchInterval: everyMs, staleTime: 0, gcTime: 30_000 };
}
