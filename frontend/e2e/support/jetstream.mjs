import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { until } from './until.mjs';

const METHOD = 'network.bsky.jetstream.subscribeEvents';
const AUTHOR = 'did:plc:ana';

/** A Jetstream host on this machine (version 2), which offers posts as long as somebody listens. */
export class JetstreamHost {
  #server;
  #timer;
  #seq = 100_000;
  url;

  /** Starts a host that offers `perSecond` posts a second. */
  static async start(perSecond) {
    const host = new JetstreamHost();
    await host.#listen(0);
    host.#timer = setInterval(() => host.#offer(), 1_000 / perSecond);
    return host;
  }

  get n_listeners() {
    return this.#server.clients.size;
  }

  /** Refuses connections until `comeBack`. */
  async goAway() {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async comeBack() {
    await this.#listen(Number(new URL(this.url).port));
  }

  async stop() {
    clearInterval(this.#timer);
    await this.goAway();
  }

  async #listen(port) {
    // A connection of another process may have taken the port meanwhile.
    await until('a free port', async () => {
      this.#server = new WebSocketServer({ host: '127.0.0.1', port, path: `/xrpc/${METHOD}` });
      await once(this.#server, 'listening');
      return true;
    });
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  #offer() {
    const at = new Date().toISOString();
    const seq = (this.#seq += 1);
    const record = {
      $type: 'app.bsky.feed.post',
      text: `The tide at the harbor, number ${seq}`,
      createdAt: at,
    };
    const event = { $type: `${METHOD}#commit`, seq, did: AUTHOR, time: at, witnessedAt: at };
    const commit = { operation: 'create', collection: record.$type, rkey: `r${seq}`, record };
    const text = JSON.stringify({ $type: 'message', payload: { ...event, ...commit } });
    for (const client of this.#server.clients) client.send(text);
  }
}
