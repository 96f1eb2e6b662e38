/** What to open a connection with. `unauthorized`: a person has to say who they are first. */
export type Admission = { ticket: string | null } | 'unauthorized';

interface TicketParams {
  /** Where tickets are given out: `/api/v1/live/tickets`. */
  url: string;
  /** The access token, where one is known. */
  token: string | null;
  fetch: typeof fetch;
}

/**
 * Asks for a ticket that opens one connection within half a minute.
 *
 * A browser's WebSocket can send no header, and a token in an address would end up in logs; a used ticket there is
 * worth nothing. A server that gives out no tickets needs none.
 */
export async function askForTicket({ url, token, fetch }: TicketParams): Promise<Admission> {
  const headers: Record<string, string> = { accept: 'application/json', ...bearer(token) };
  const response = await fetch(url, { method: 'POST', headers }).catch(() => null);
  if (response === null) return { ticket: null };
  if (response.status === 401) return 'unauthorized';
  const body: unknown = await response.json().catch(() => null);
  const ticket = (body as { ticket?: unknown } | null)?.ticket;
  return { ticket: response.ok && typeof ticket === 'string' ? ticket : null };
}

export function bearer(token: string | null): { authorization?: string } {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}
