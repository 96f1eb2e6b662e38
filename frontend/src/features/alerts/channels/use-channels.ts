import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { CHANNELS } from '@/features/alerts/api/resources';
import type { List, Notification, TestOutcome } from '@/features/alerts/api/wire';
import { getJson, sendJson } from '@/lib/api-client';

const NOTIFICATIONS_KEY = ['notifications'];
const LOG_LENGTH = 50;
const REFRESH_EVERY_MS = 10_000;

interface NotificationFilter {
  channel?: string;
  state?: Notification['state'];
}

/** The notifications of a channel or state, newest first. */
export function useNotifications({ channel, state }: NotificationFilter) {
  return useQuery({
    queryKey: [...NOTIFICATIONS_KEY, { channel, state }],
    queryFn: ({ signal }) =>
      getJson<List<Notification>>(
        paths.notifications,
        { channel, state, limit: LOG_LENGTH },
        signal,
      ),
    select: ({ items }) => items,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** Sends a test message and returns the result. */
export function useTestChannel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<TestOutcome>('POST', paths.testChannel(id)),
    onSettled: () => client.invalidateQueries({ queryKey: CHANNELS.key }),
  });
}

export function useRotateSecret() {
  return useMutation({
    mutationFn: (id: string) => sendJson<unknown>('POST', paths.rotateChannelSecret(id)),
  });
}

export function useResend() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<unknown>('POST', paths.resendNotification(id)),
    onSuccess: () => client.invalidateQueries({ queryKey: NOTIFICATIONS_KEY }),
  });
}
