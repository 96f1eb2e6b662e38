// The socket.io side of `groundswell bench fanout`: whatever is posted to
// /publish goes to every socket. Prints the port it listens on.
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
// As it comes, but for the transport: browsers that can speak WebSocket end up with it.
const sockets = new Server(http, { transports: ['websocket'], serveClient: false });
http.listen(0, '127.0.0.1', 4096, () => console.log(http.address().port));
