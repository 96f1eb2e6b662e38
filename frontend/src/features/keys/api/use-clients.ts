import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Client, NewClient, RevealedClient } from '@/api/identity';
import { paths } from '@/config/paths';
import { sendJson } from '@/lib/api-client';
import { usePages } from '@/lib/use-pages';

const CLIENTS_KEY = ['clients'];

/** Programs with a role of their own. */
export function useClients() {
  return usePages<Client>(CLIENTS_KEY, paths.clients);
}

/** Creates a client. Only the answer has its secret. */
export function useCreateClient() {
  return useChange((client: NewClient) => sendJson<RevealedClient>('POST', paths.clients, client));
}

/** Replaces the secret of a client. The previous one is valid for `overlap_seconds`. */
export function useRotateClientSecret(id: string) {
  return useChange((overlap_seconds: number) =>
    sendJson<RevealedClient>('POST', paths.rotateClientSecret(id), { overlap_seconds }),
  );
}

/** Revokes a client. */
export function useRevokeClient(id: string) {
  return useChange(() => sendJson<unknown>('DELETE', paths.client(id)));
}

function useChange<Sent, Answer>(mutationFn: (sent: Sent) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => client.invalidateQueries({ queryKey: CLIENTS_KEY }),
  });
}
