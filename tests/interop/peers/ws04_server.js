'use strict';

// Echo server on top of ws 0.4, whose answer to the challenge is wrong on any Node since 6:
// it hashes a string of bytes, which crypto has taken for UTF-8 text since then.

var http = require('http');
var WebSocketServer = require('ws').Server;
var portFromArguments = require('./port');

var server = http.createServer();

new WebSocketServer({server: server}).on('connection', function (socket) {
  socket.on('message', function (text) { socket.send(text); });
  socket.on('error', function () {});
});

server.listen(portFromArguments(), '127.0.0.1', function () {
  console.log('listening on ' + server.address().port);
});
