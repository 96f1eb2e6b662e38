/** A ready-made query that topics can leave out. */
export type Pack = 'job_ad' | 'giveaway';

/** All packs, with their names in the form. */
export const PACKS: readonly (readonly [pack: Pack, text: string])[] = [
  ['job_ad', 'Job ads'],
  ['giveaway', 'Giveaways'],
];

/** Whether a query says that posts of a pack do not match. */
export function leavesOut(query: string, pack: Pack): boolean {
  return exclusionOf(pack).test(query);
}

/** The query, with the exclusion of a pack added to it or removed from it. */
export function withExclusion(query: string, pack: Pack, excluded: boolean): string {
  if (!excluded) return query.replace(exclusionOf(pack), '').trim();
  const rest = query.trim();
  // `NOT` binds more tightly than `OR`, so it would only concern the last part.
  return `${hasOuterOr(rest) ? `(${rest})` : rest} NOT is:${pack}`;
}

function exclusionOf(pack: Pack): RegExp {
  return new RegExp(`\\s*(?:\\bAND\\s+)?(?:\\bNOT\\s+|(?<=\\s)-)is:${pack}(?![\\w-])`, 'i');
}

/** Whether an `OR` stands outside of all brackets and quotation marks. */
function hasOuterOr(query: string): boolean {
  let depth = 0;
  for (const [token] of query.matchAll(/["“”„«»][^"“”„«»]*["“”„«»]|[()]|\bOR\b/g)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === 'OR' && depth === 0) return true;
  }
  return false;
}
