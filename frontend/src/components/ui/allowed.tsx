import type { ReactNode } from 'react';
import type { RestrictedCall } from '@/api/access.generated';
import { useIsMeSettled, useMay } from '@/lib/me';

interface AllowedProps {
  /** The call that the content leads to, by its `operationId`. */
  to: RestrictedCall;
  children: ReactNode;
  /** Instead of the content, for those whom the server would refuse. */
  otherwise?: ReactNode;
}

/**
 * Content for those whom the server lets make a call. It must request nothing by itself: until it is known who the person
 * is, it is laid out unseen, so that nothing moves when it appears.
 */
export function Allowed({ to, children, otherwise }: AllowedProps) {
  const may = useMay();
  if (!useIsMeSettled()) {
    return (
      <span className="invisible contents" inert>
        {children}
      </span>
    );
  }
  return may(to) ? children : otherwise;
}
