import { useSyncExternalStore } from 'react';

/** Kept in this browser, so that people enter it once. */
const STORED_AS = 'groundswell.name';

/** The server's limit, in characters. */
export const NAME_MAX = 80;

/**
 * The name of the person at this browser, which the server records with what they do; empty if they gave none.
 *
 * It is that of their account. Without one, they choose it, and nothing verifies it.
 */
class Person {
  #name = read();
  #account: string | null = null;
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Another tab may change it.
    globalThis.addEventListener?.('storage', ({ key }) => {
      if (key === STORED_AS || key === null) this.#set(read());
    });
  }

  name = (): string => this.#account ?? this.#name;

  headers(): { 'x-groundswell-actor'?: string } {
    if (this.#account !== null || this.#name === '') return {};
    return { 'x-groundswell-actor': encodeURIComponent(this.#name) };
  }

  /** Takes the name of the account that somebody signed in to; null without one. */
  actAs(account: string | null): void {
    if (account === this.#account) return;
    this.#account = account;
    this.#tell();
  }

  /** Keeps a name that `problemWithName` accepts. */
  rename(name: string): void {
    const next = tidy(name);
    write(next);
    this.#set(next);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(name: string): void {
    if (name === this.#name) return;
    this.#name = name;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The server's form of a name: composed characters and single spaces. */
export function tidy(name: string): string {
  return name.trim().replace(/\s+/gu, ' ').normalize('NFC');
}

/** Says what the server would reject about a name; null if it accepts it. */
export function problemWithName(name: string): string | null {
  const tidied = tidy(name);
  if ([...tidied].length > NAME_MAX) return `Use at most ${NAME_MAX} characters.`;
  const isDeceptive = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u.test(
    name.trim(),
  );
  return isDeceptive ? 'Use only visible characters.' : null;
}

/** A stored name may be from another version or edited by hand, and a wrong one would fail every request. */
function read(): string {
  try {
    const stored = tidy(localStorage.getItem(STORED_AS) ?? '');
    return problemWithName(stored) === null ? stored : '';
  } catch {
    return '';
  }
}

function write(name: string): void {
  try {
    if (name === '') localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, name);
  } catch {
    // Without storage, the name lasts until the page is closed.
  }
}

export const person = new Person();

/** The name of the person at this browser; empty if they gave none. */
export function usePersonName(): string {
  return useSyncExternalStore(person.subscribe, person.name);
}
