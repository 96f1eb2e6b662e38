import type { ReactNode } from 'react';
import type { RestrictedCall } from '@/api/access.generated';
import { useMay } from '@/lib/me';

interface AllowedProps {
  /** The call that the content leads to, by its `operationId`. */
  to: RestrictedCall;
  children: ReactNode;
  /** Instead of the content, for those whom the server would refuse. */
  otherwise?: ReactNode;
}

/** Content for those whom the server lets make a call. */
export function Allowed({ to, children, otherwise }: AllowedProps) {
  return useMay()(to) ? children : otherwise;
}
