import { STATUSES, type Status } from '@/features/work/api/wire';

export const OWNERS = ['all', 'mine', 'unassigned'] as const;
export type Owner = (typeof OWNERS)[number];

export const ORDERS = ['oldest', 'reach'] as const;
export type QueueOrder = (typeof ORDERS)[number];

/** The state of the Queue page, all of it in the URL; `status`, `tag` and `order` are the API's names. */
export interface QueuePlace {
  owner: Owner;
  order: QueueOrder;
  status?: Status;
  tag?: string;
  /** The post whose details are open. */
  post?: string;
}

/** Parses search parameters, ignoring invalid ones. */
export function parsePlace(search: Record<string, unknown>): QueuePlace {
  const { owner, order, status, tag, post } = search;
  const place: QueuePlace = {
    owner: OWNERS.find((known) => known === owner) ?? 'all',
    order: ORDERS.find((known) => known === order) ?? 'oldest',
  };
  const known = STATUSES.find((one) => one === status);
  if (known !== undefined) place.status = known;
  if (typeof tag === 'string' && tag !== '' && !tag.includes('\0')) place.tag = tag;
  if (typeof post === 'string' && post !== '') place.post = post;
  return place;
}

export function placeToSearch({
  owner,
  order,
  status,
  tag,
  post,
}: QueuePlace): Record<string, string> {
  return {
    ...(owner !== 'all' && { owner }),
    ...(order !== 'oldest' && { order }),
    ...(status !== undefined && { status }),
    ...(tag !== undefined && { tag }),
    ...(post !== undefined && { post }),
  };
}

/** Whether people narrowed the queue down, so that it may be empty for that reason. */
export function isNarrowed({ owner, status, tag }: QueuePlace): boolean {
  return owner !== 'all' || status !== undefined || tag !== undefined;
}
