/** Query keys that more than one feature invalidates. */

/** The notification channels. */
export const CHANNELS_KEY = ['channels'];

/** Whether this browser is a notification channel. */
export const PUSH_KEY = ['push'];
