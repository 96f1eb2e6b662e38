/** Query keys that more than one feature invalidates. */

/** The notification channels. */
export const CHANNELS_KEY = ['channels'];

/** Whether this browser is a notification channel. */
export const PUSH_KEY = ['push'];

/** The tags and assignees in use. */
export const WORK_NAMES_KEY = ['work-names'];

/** Who makes the requests of this page. */
export const ME_KEY = ['me'];
