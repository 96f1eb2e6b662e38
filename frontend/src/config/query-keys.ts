/** Keys of answers that more than one feature makes stale. */

/** Whom the server tells of alerts. */
export const CHANNELS_KEY = ['channels'];

/** Whether this browser is one of them. */
export const PUSH_KEY = ['push'];
