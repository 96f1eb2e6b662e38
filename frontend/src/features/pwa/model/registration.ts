/** Whether a newer version is waiting. */
export type Update = 'none' | 'ready';

/** How often an open page checks for a newer version. */
const CHECK_EVERY_MS = 3_600_000;

/** Registers the service worker and reports when a newer version is ready. */
class Registration {
  #waiting: ServiceWorker | null = null;
  readonly #listeners = new Set<() => void>();

  /** Does nothing where service workers are unavailable, such as without HTTPS. */
  start(): void {
    if (!('serviceWorker' in navigator)) return;
    navigator.serviceWorker
      .register('/sw.js')
      .then((registration) => this.#watch(registration))
      // Without it, the dashboard works but does not open offline.
      .catch((error: unknown) => console.warn('the service worker was not registered:', error));
  }

  state = (): Update => (this.#waiting === null ? 'none' : 'ready');

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Activates the newer version and reloads the page. */
  update = (): void => {
    navigator.serviceWorker.addEventListener('controllerchange', () => window.location.reload(), {
      once: true,
    });
    this.#waiting?.postMessage('take-over');
  };

  #watch(registration: ServiceWorkerRegistration): void {
    const notice = (worker: ServiceWorker | null) => {
      // Without a controller, this is the first installation.
      if (worker?.state !== 'installed' || navigator.serviceWorker.controller === null) return;
      this.#waiting = worker;
      for (const listener of this.#listeners) listener();
    };
    notice(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const worker = registration.installing;
      worker?.addEventListener('statechange', () => notice(worker));
    });
    setInterval(() => void registration.update().catch(() => undefined), CHECK_EVERY_MS);
  }
}

export const registration = new Registration();
