import { access } from '@/lib/access';
import { person } from '@/lib/person';

interface ApiErrorDetails {
  field?: string | null;
  retryAt?: number | null;
}

/** An error response; `code` is for programs, `message` for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** The invalid field of the request, such as `settings.url`, if any. */
  readonly field: string | null;
  /** From when on the server may accept the request, if it said so. */
  readonly retryAt: number | null;

  constructor(
    status: number,
    code: string,
    message: string,
    { field = null, retryAt = null }: ApiErrorDetails = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.field = field;
    this.retryAt = retryAt;
  }
}

/** Whether the same request may succeed in a moment: the server is busy or a dependency is unreachable. */
export function isTemporary(error: Error | null): boolean {
  return error instanceof ApiError && [0, 429, 502, 503, 504].includes(error.status);
}

/** Whether the requested item does not exist. */
export function isGone(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** A list stands for a repeated parameter. */
export type Query = Record<string, string | number | readonly string[] | undefined>;

/** Sends a GET request; rejects with `ApiError` unless the server answers 2xx. */
export async function getJson<Answer>(
  path: string,
  query: Query,
  signal: AbortSignal,
): Promise<Answer> {
  return request<Answer>(`${path}${toQueryString(query)}`, { signal });
}

export async function postJson<Answer>(path: string): Promise<Answer> {
  return sendJson<Answer>('POST', path);
}

/** Sends a request that changes something; an empty response is null. */
export async function sendJson<Answer>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  return request<Answer>(path, {
    method,
    ...(signal !== undefined && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Sends a body that is JSON already: parsing it would round its large numbers. */
export async function postRawJson<Answer>(
  path: string,
  json: string,
  signal: AbortSignal,
): Promise<Answer> {
  return request<Answer>(path, { method: 'POST', body: json, signal });
}

/** `?a=1&b=2`, without undefined values; empty if none are left. */
export function toQueryString(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    (value === undefined ? [] : [value].flat()).map((item) => [key, String(item)]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** Parses a query string; a repeated parameter becomes a list. */
export function fromQueryString(text: string): Record<string, string | string[]> {
  const parameters = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((key) => {
      const [only, ...more] = parameters.getAll(key);
      return [key, only !== undefined && more.length === 0 ? only : parameters.getAll(key)];
    }),
  );
}

/** Downloads a file; rejects like `getJson`. */
export async function getBlob(path: string): Promise<Blob> {
  return (await ask(path, {})).blob();
}

/** Sends a POST request that is answered with a document; rejects like `getJson`. */
export async function postForText(
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<string> {
  return (await ask(path, { method: 'POST', body: JSON.stringify(body), signal })).text();
}

/**
 * Sends a secret with which a stranger becomes somebody, such as a password. An empty response is null.
 *
 * Sends no token, which would take precedence over what the secret gives, and a wrong secret does not lock the page.
 */
export async function sendAsStranger<Answer>(
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
): Promise<Answer> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  const response = await send(path, { method, headers, body: JSON.stringify(body) });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw readError(response, answer);
  return answer as Answer;
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await ask(path, init);
  const body: unknown = await response.json().catch(() => null);
  return body as Answer;
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await send(path, {
    ...init,
    headers: {
      accept: 'application/json',
      ...access.headers(),
      ...(init.method !== undefined && person.headers()),
      ...(init.body !== undefined && { 'content-type': 'application/json' }),
    },
  });
  if (response.ok) return response;
  const error = readError(response, await response.json().catch(() => null));
  if (isWithoutAccess(error)) access.lock();
  throw error;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  return fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'the server is not responding');
  });
}

/** Whether the server does not know who asks. Another code says what else is wrong, such as the current password. */
function isWithoutAccess({ status, code }: ApiError): boolean {
  return status === 401 && ['unauthorized', UNEXPECTED].includes(code);
}

/** The code of an error that names none, such as a proxy's. */
const UNEXPECTED = 'unexpected';

interface ErrorAnswer {
  code?: string;
  message?: string;
  details?: { field?: string; parameter?: string };
}

function readError({ status, headers }: Response, body: unknown): ApiError {
  const error = (body as { error?: ErrorAnswer } | null)?.error;
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return new ApiError(
    status,
    error?.code ?? UNEXPECTED,
    error?.message ?? `the server responded with status ${status}`,
    {
      field: error?.details?.field ?? error?.details?.parameter ?? null,
      retryAt: Number.isFinite(seconds) ? Date.now() + seconds * 1_000 : null,
    },
  );
}
