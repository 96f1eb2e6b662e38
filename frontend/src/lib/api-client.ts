import { access } from '@/lib/access';

/** An answer that is not a success; `code` is for programs, `message` for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Which field of what was sent is wrong, such as `settings.url`; null where no single one is. */
  readonly field: string | null;

  constructor(status: number, code: string, message: string, field: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** Too much is asked just now, or something the answer needs is away: the same question may succeed in a moment. */
export function isPassing(error: Error | null): boolean {
  return error instanceof ApiError && [0, 429, 502, 503, 504].includes(error.status);
}

/** There is no such thing any more, or there never was. */
export function isGone(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 404;
}

export type Query = Record<string, string | number | undefined>;

/** Asks our own server; rejects with `ApiError` for every answer that is not 2xx, and when there is no answer. */
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

/** Changes something; an answer without a body is null. */
export async function sendJson<Answer>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> {
  return request<Answer>(path, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** `?a=1&b=2`, without what is not set; empty where nothing is. */
export function toQueryString(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** Something to save as a file; the same answers are errors. */
export async function getBlob(path: string): Promise<Blob> {
  const response = await ask(path, {});
  if (!response.ok) throw readError(response.status, await response.json().catch(() => null));
  return response.blob();
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
