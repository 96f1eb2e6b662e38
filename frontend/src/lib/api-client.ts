import { access } from '@/lib/access';
import { person } from '@/lib/person';

/** An error response; `code` is for programs, `message` for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** The invalid field of the request, such as `settings.url`, if any. */
  readonly field: string | null;

  constructor(status: number, code: string, message: string, field: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.field = field;
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
  const response = await ask(path, {});
  if (!response.ok) throw readError(response.status, await response.json().catch(() => null));
  return response.blob();
}

/** Sends a POST request that is answered with a document; rejects like `getJson`. */
export async function postForText(
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<string> {
  const response = await ask(path, { method: 'POST', body: JSON.stringify(body), signal });
  if (!response.ok) throw readError(response.status, await response.json().catch(() => null));
  return response.text();
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await ask(path, init);
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw readError(response.status, body);
  return body as Answer;
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, {
    ...init,
    headers: {
      accept: 'application/json',
      ...access.headers(),
      ...(init.method !== undefined && person.headers()),
      ...(init.body !== undefined && { 'content-type': 'application/json' }),
    },
  }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'the server is not responding');
  });
  if (response.status === 401) access.lock();
  return response;
}

interface ErrorAnswer {
  code?: string;
  message?: string;
  details?: { field?: string; parameter?: string };
}

function readError(status: number, body: unknown): ApiError {
  const error = (body as { error?: ErrorAnswer } | null)?.error;
  return new ApiError(
    status,
    error?.code ?? 'unexpected',
    error?.message ?? `the server responded with status ${status}`,
    error?.details?.field ?? error?.details?.parameter ?? null,
  );
}
