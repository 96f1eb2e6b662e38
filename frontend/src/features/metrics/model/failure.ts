import { ApiError } from '@/lib/api-client';

/** Whether the server would have to read too many posts for a live figure. */
export function isTooLong(error: Error | null): boolean {
  return error instanceof ApiError && error.code === 'window_too_long';
}

/** Says in a sentence why figures are missing, and what to do about it. */
export function describeFailure(error: Error): string {
  if (isTooLong(error)) {
    return 'With these filters, live figures cover at most 24 hours. Choose a shorter period, remove a filter, or use Explore.';
  }
  if (error instanceof ApiError && error.status === 0) {
    return 'The server is not responding. Is `groundswell serve` running?';
  }
  return `The figures could not be loaded: ${error.message}.`;
}

/** Describes a failure and says that the figures are requested again, unless only other filters would help. */
export function describeFailureAndRetry(error: Error): string {
  const why = describeFailure(error);
  return isTooLong(error) ? why : `${why} Retrying automatically.`;
}
