/** Explains why this browser cannot receive push notifications; null if it can. */
export function whyNoPush(): string | null {
  if (!('serviceWorker' in navigator) || !window.isSecureContext) {
    return 'Push notifications require HTTPS or a server on this device.';
  }
  if (!('PushManager' in window) || !('Notification' in window)) {
    return 'This browser does not support push notifications. On an iPhone, add the dashboard to the Home Screen first.';
  }
  if (Notification.permission === 'denied') {
    return 'Notifications are blocked for this site. Allow them in your browser settings.';
  }
  return null;
}

/** What the server needs to reach this browser. */
export interface PushSettings {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** Converts a subscription; null if the browser left something out. */
export function toSettings(subscription: PushSubscription): PushSettings | null {
  const { endpoint, keys } = subscription.toJSON();
  const { p256dh, auth } = keys ?? {};
  if (endpoint === undefined || p256dh === undefined || auth === undefined) return null;
  return { endpoint, keys: { p256dh, auth } };
}

/** Decodes URL-safe base64. */
export function toBytes(base64Url: string): Uint8Array<ArrayBuffer> {
  const base64 = base64Url.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
