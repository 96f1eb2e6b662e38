// The socket.io counterpart in `groundswell bench fanout`: sends each body posted to
// /publish to every socket. Prints the port it listens on.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== '/publish') return;
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    sockets.emit('m', Buffer.concat(parts).toString('utf8'));
    response.writeHead(202).end();
  });
});
// Default settings except for the transport, since browsers that support WebSocket end up using it.
const sockets = new Server(http, { transports: ['websocket'], serveClient: false });
http.listen(0, '127.0.0.1', 4096, () => console.log(http.address().port));
