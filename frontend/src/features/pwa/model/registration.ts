/** Where the page stands with its worker. */
export type Update = 'none' | 'ready';

/** A page that stays open for days asks now and then whether there is another version. */
const LOOK_EVERY_MS = 3_600_000;

/** Registers the worker that keeps the dashboard's files, and notices when there is a newer dashboard. */
class Registration {
  #waiting: ServiceWorker | null = null;
  readonly #listeners = new Set<() => void>();

  /** Does nothing where there are no workers, such as on a page that did not come over HTTPS. */
  start(): void {
    if (!('serviceWorker' in navigator)) return;
    navigator.serviceWorker
      .register('/sw.js')
      .then((registration) => this.#watch(registration))
      // The dashboard works without; it just does not open without a network.
      .catch((error: unknown) => console.warn('the service worker was not registered:', error));
  }

  state = (): Update => (this.#waiting === null ? 'none' : 'ready');

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Lets the newer version take over, and shows it. */
  update = (): void => {
    navigator.serviceWorker.addEventListener('controllerchange', () => window.location.reload(), {
      once: true,
    });
    this.#waiting?.postMessage('take-over');
  };

  #watch(registration: ServiceWorkerRegistration): void {
    const notice = (worker: ServiceWorker | null) => {
      // Without a controller this is the first version, which nobody has to be asked about.
      if (worker?.state !== 'installed' || navigator.serviceWorker.controller === null) return;
      this.#waiting = worker;
      for (const listener of this.#listeners) listener();
    };
    notice(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const worker = registration.installing;
      worker?.addEventListener('statechange', () => notice(worker));
    });
    setInterval(() => void registration.update().catch(() => undefined), LOOK_EVERY_MS);
  }
}

export const registration = new Registration();
