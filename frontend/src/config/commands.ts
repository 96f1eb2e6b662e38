/** The commands that the empty state suggests. */
export const COMMANDS = {
  run: 'make run',
  replay: 'groundswell replay data/mayweather-mcgregor_tweets.csv.gz --speed 20',
  hear: 'groundswell sources add bluesky',
  post: (origin: string) =>
    `curl -X POST ${origin}/api/v1/posts -H 'content-type: application/json' -d '{"id":"1","platform":"web","text":"I love how fast this is"}'`,
} as const;
