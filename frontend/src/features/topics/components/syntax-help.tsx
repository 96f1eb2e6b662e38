/** Examples of the query language, each with what it finds. */
const EXAMPLES: readonly (readonly [query: string, finds: string])[] = [
  ['battery drain', 'both words, anywhere; the same as battery AND drain'],
  ['battery OR charger', 'at least one of them'],
  ['battery NOT toy', 'without the word after NOT, or after a minus sign: -toy'],
  ['(battery OR charger) fire', 'brackets group parts of the query'],
  ['"battery life"', 'these words next to each other'],
  ['battery NEAR/5 dead', 'at most 5 words in between, in either order'],
  ['battery NEAR/5f dead', 'the same, but in this order'],
  ['recharg*', 'words that start with these letters, at least four'],
  ['raw:C++', 'exactly these characters, with their case and punctuation'],
  ['#unboxing', 'this hashtag'],
  ['@harborpay', 'a mention of this account'],
  ['lang:en', 'posts known to be in this language'],
  ['platform:bluesky', 'posts on this platform'],
  ['from:harborpay', 'posts by this account'],
  ['country:DE', 'posts from this country'],
  ['NOT is:job_ad', 'without job ads; NOT is:giveaway leaves out giveaways'],
];

/** The query language on half a page, folded until somebody wants it. */
export function SyntaxHelp() {
  return (
    <details className="text-sm">
      <summary className="caption w-fit rounded-md hover:text-ink">How to write a query</summary>
      <dl className="mt-2 grid gap-x-4 gap-y-1 rounded-md bg-sunken p-3 sm:grid-cols-[auto_minmax(0,1fr)]">
        {EXAMPLES.map(([query, finds]) => (
          <div key={query} className="contents">
            <dt className="font-mono text-xs leading-5 wrap-anywhere">{query}</dt>
            <dd className="caption max-sm:mb-1.5 sm:leading-5!">{finds}</dd>
          </div>
        ))}
      </dl>
      <p className="caption mt-2">
        Write operators in capitals. Otherwise case and punctuation are ignored, except after raw:.
      </p>
    </details>
  );
}
