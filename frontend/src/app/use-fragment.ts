import { useLocation } from '@tanstack/react-router';

/** Returns the part of the address after `#`, which browsers never send: links have their secrets there. */
export function useFragment(): string {
  return useLocation({ select: ({ hash }) => hash });
}
