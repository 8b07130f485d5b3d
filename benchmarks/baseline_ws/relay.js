// An RFC 6455 relay made of the Node library `ws`, as one writes it: message by message.
'use strict';

const { WebSocket, WebSocketServer } = require('ws');

const BUFFER_LIMIT = 1 << 20; // bytes that wait to be sent before the other side has to
const upstream = Number(process.argv[2]);
if (!Number.isInteger(upstream)) {
  console.error('usage: node relay.js UPSTREAM-PORT');
  process.exit(2);
}

// 1005 and 1006 stand for no code and no closing handshake; they cannot be sent.
function close(to, code, reason) {
  if (code === 1005 || code === 1006) to.close();
  else to.close(code, reason);
}

function passOn(from, to) {
  from.on('message', (data, binary) => {
    to.send(data, { binary }, () => {
      if (from.isPaused && to.bufferedAmount <= BUFFER_LIMIT) from.resume();
    });
    if (to.bufferedAmount > BUFFER_LIMIT) from.pause();
  });
  from.on('close', (code, reason) => close(to, code, reason));
  from.on('error', (error) => console.error(`relay: ${error.message}`));
}

// As the load generator, the server and the other relays: none compresses. `ws` pings only if told.
const options = { perMessageDeflate: false };
const server = new WebSocketServer({ ...options, host: '127.0.0.1', port: 0, backlog: 1024 });

server.on('connection', (client, request) => {
  const { origin } = request.headers;
  const url = `ws://127.0.0.1:${upstream}${request.url}`;
  const there = new WebSocket(url, origin === undefined ? options : { ...options, origin });
  client.pause(); // what comes early waits for the server
  there.on('open', () => client.resume());
  passOn(client, there);
  passOn(there, client);
});

server.on('listening', () => {
  console.error(`listening on ws://127.0.0.1:${server.address().port}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
