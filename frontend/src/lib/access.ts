import { useSyncExternalStore } from 'react';

/** For this tab and until it is closed: a token that outlives the person at the screen is somebody else's. */
const STORED_AS = 'groundswell.token';

/** What proves to the server who we are, and whether it asked for that. */
class Access {
  #token = read();
  #isLocked = false;
  readonly #listeners = new Set<() => void>();

  token = (): string | null => this.#token;

  headers(): { authorization?: string } {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }

  isLocked = (): boolean => this.#isLocked;

  /** The server answered that it does not know us. */
  lock(): void {
    this.#set(this.#token, true);
  }

  /** Takes a token that the server has accepted. */
  unlock(token: string): void {
    write(token);
    this.#set(token, false);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(token: string | null, isLocked: boolean): void {
    const isSame = token === this.#token && isLocked === this.#isLocked;
    this.#token = token;
    this.#isLocked = isLocked;
    if (!isSame) for (const listener of this.#listeners) listener();
  }
}

function read(): string | null {
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

function write(token: string): void {
  try {
    sessionStorage.setItem(STORED_AS, token);
  } catch {
    // Storage may be forbidden; the token then lives as long as the page.
  }
}

/** The page's one identity. */
export const access = new Access();

/** Whether a person has to enter the access token before anything can be shown. */
export function useIsLocked(): boolean {
  return useSyncExternalStore(access.subscribe, access.isLocked);
}
