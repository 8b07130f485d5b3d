'use strict';

// Echo server on top of ws 8: RFC 6455 and nothing else. `order: close CODE REASON` and
// `order: binary` are done, not echoed.

var http = require('http');
var WebSocketServer = require('ws-8').WebSocketServer;
var portFromArguments = require('./port');

var server = http.createServer();

new WebSocketServer({server: server}).on('connection', function (socket) {
  socket.on('message', function (data, isBinary) {
    var order = isBinary ? null : /^order: (\w+) ?(\d*) ?(.*)$/.exec(data.toString());
    if (!order) socket.send(data, {binary: isBinary});
    else if (order[1] === 'binary') socket.send(Buffer.from([0, 255, 128]));
    else socket.close(Number(order[2]), order[3]);
  });
  socket.on('close', function (code, reason) { console.log('closed ' + code + ' ' + reason); });
  socket.on('error', function () {});
});

server.listen(portFromArguments(), '127.0.0.1', function () {
  console.log('listening on ' + server.address().port);
});
