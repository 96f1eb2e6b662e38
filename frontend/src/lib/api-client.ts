/** An answer that is not a success; `code` is for programs, `message` for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

type Query = Record<string, string | number | undefined>;

/** Asks our own server; rejects with `ApiError` for every answer that is not 2xx, and when there is no answer. */
export async function getJson<Answer>(
  path: string,
  query: Query,
  signal: AbortSignal,
): Promise<Answer> {
  return request<Answer>(`${path}${toQueryString(query)}`, { signal });
}

export async function postJson<Answer>(path: string): Promise<Answer> {
  return request<Answer>(path, { method: 'POST' });
}

function toQueryString(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, {
    ...init,
    headers: { accept: 'application/json' },
  }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'the server does not answer');
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw readError(response.status, body);
  return body as Answer;
}

function readError(status: number, body: unknown): ApiError {
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error;
  return new ApiError(
    status,
    error?.code ?? 'unexpected',
    error?.message ?? `the server answered with status ${status}`,
  );
}
