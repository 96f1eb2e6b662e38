/** What to open a connection with; `unauthorized` if a token must be entered first. */
export type Credentials = { ticket: string | null } | 'unauthorized';

interface TicketParams {
  /** The URL of `/api/v1/live/tickets`. */
  url: string;
  /** The access token, if known. */
  token: string | null;
  fetch: typeof fetch;
}

/**
 * Requests a ticket, which opens one connection within 30 seconds.
 *
 * A browser cannot send headers with a WebSocket, and a token in the URL would end up in logs; a used ticket is worthless.
 * If the server issues no ticket, none is needed.
 */
export async function requestTicket({ url, token, fetch }: TicketParams): Promise<Credentials> {
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
