import { useSyncExternalStore } from 'react';

/** Kept for this tab only, so that the next person at this computer does not inherit it. */
const STORED_AS = 'groundswell.token';

/** The operator's token, if somebody entered it, and whether the server requires a token or a session. */
class Access {
  #token = read();
  #isLocked = false;
  readonly #listeners = new Set<() => void>();

  token = (): string | null => this.#token;

  headers(): { authorization?: string } {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }

  isLocked = (): boolean => this.#isLocked;

  /** Called when the server answers 401. */
  lock(): void {
    this.#set(this.#token, true);
  }

  /** Stores a token that the server accepted. */
  unlock(token: string): void {
    write(token);
    this.#set(token, false);
  }

  /** Goes on with the cookie of a session. A token would take precedence over it, so none is kept. */
  signIn(): void {
    forget();
    this.#set(null, false);
  }

  /** Uses the token of a share link, as long as the page is open. */
  present(token: string): void {
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
    // Storage may be blocked; the token then lasts until the page is closed.
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(STORED_AS);
  } catch {
    // Without storage, none was kept.
  }
}

export const access = new Access();

/** Whether the person has to sign in, or to enter the access token. */
export function useIsLocked(): boolean {
  return useSyncExternalStore(access.subscribe, access.isLocked);
}
