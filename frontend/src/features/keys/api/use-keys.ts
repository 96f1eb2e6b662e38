import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ApiKey, ApiKeyUsage, CreatedApiKey, NewApiKey } from '@/api/identity';
import { paths } from '@/config/paths';
import { getJson, sendJson } from '@/lib/api-client';
import { usePages } from '@/lib/use-pages';

const KEYS_KEY = ['api-keys'];

/** The API keys that the person manages, newest first. */
export function useApiKeys() {
  return usePages<ApiKey>(KEYS_KEY, paths.apiKeys);
}

/** The calls with a key; only while somebody looks. */
export function useApiKeyUsage(id: string, enabled: boolean) {
  return useQuery({
    queryKey: [...KEYS_KEY, id, 'usage'],
    queryFn: ({ signal }) => getJson<ApiKeyUsage>(paths.apiKeyUsage(id), {}, signal),
    enabled,
  });
}

/** Creates a key. Only the answer has it whole. */
export function useCreateApiKey() {
  return useChange((key: NewApiKey) => sendJson<CreatedApiKey>('POST', paths.apiKeys, key));
}

/** Replaces a key by a new one. Both are valid for `overlap_seconds`. */
export function useRotateApiKey(id: string) {
  return useChange((overlap_seconds: number) =>
    sendJson<CreatedApiKey>('POST', paths.rotateApiKey(id), { overlap_seconds }),
  );
}

/** Revokes a key. */
export function useRevokeApiKey(id: string) {
  return useChange(() => sendJson<unknown>('DELETE', paths.apiKey(id)));
}

function useChange<Sent, Answer>(mutationFn: (sent: Sent) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => client.invalidateQueries({ queryKey: KEYS_KEY }),
  });
}
