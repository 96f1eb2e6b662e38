import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { CHANNELS_KEY, PUSH_KEY } from '@/config/query-keys';
import { toBytes, toSettings, whyNoPush } from '@/features/pwa/model/push';
import { ApiError, getJson, sendJson } from '@/lib/api-client';
import { nameOfBrowser } from '@/lib/browser';

/** The storage key for the ID of this browser's channel. */
const STORED_AS = 'groundswell.push-channel';

/** Whether this browser receives push notifications, and a mutation to change that. */
export function usePush() {
  const client = useQueryClient();
  const status = useQuery({
    queryKey: PUSH_KEY,
    queryFn: ({ signal }) => isOn(signal),
    staleTime: Infinity,
  });
  const change = useMutation({
    mutationFn: (on: boolean) => (on ? turnOn() : turnOff()),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: PUSH_KEY }),
        client.invalidateQueries({ queryKey: CHANNELS_KEY }),
      ]),
  });
  return { isOn: status.data, isPending: status.isPending, change };
}

/** Whether the browser's subscription and the server's channel both exist. */
async function isOn(signal: AbortSignal): Promise<boolean> {
  const id = localStorage.getItem(STORED_AS);
  if (id === null || whyNoPush() !== null) return false;
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return false;
  try {
    const { enabled } = await getJson<{ enabled: boolean }>(paths.channel(id), {}, signal);
    return enabled;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

async function turnOn(): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new Error('notifications are blocked; allow them for this site in your browser settings');
  }
  const { signal } = new AbortController();
  const { public_key } = await getJson<{ public_key: string }>(paths.pushKey, {}, signal);
  const { pushManager } = await navigator.serviceWorker.ready;
  // A subscription made with another server key would not work.
  await (await pushManager.getSubscription())?.unsubscribe();
  const subscription = await pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: toBytes(public_key),
  });
  const settings = toSettings(subscription);
  if (settings === null) {
    throw new Error('this browser cannot receive push notifications; try another browser');
  }
  await deleteChannel();
  const channel = await sendJson<{ id: string }>('POST', paths.channels, {
    name: nameOfBrowser(navigator.userAgent),
    kind: 'web_push',
    settings,
  });
  localStorage.setItem(STORED_AS, channel.id);
}

async function turnOff(): Promise<void> {
  await deleteChannel();
  const registration = await navigator.serviceWorker.getRegistration();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

/** Deletes this browser's channel, if it still exists. */
async function deleteChannel(): Promise<void> {
  const id = localStorage.getItem(STORED_AS);
  if (id === null) return;
  await sendJson<unknown>('DELETE', paths.channel(id)).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  });
  localStorage.removeItem(STORED_AS);
}
