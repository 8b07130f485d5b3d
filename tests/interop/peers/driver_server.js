'use strict';

// Echo server on top of websocket-driver: hixie-76 and hixie-75, as the client asks.
// `order: close` is done, not echoed.

var http = require('http');
var websocket = require('websocket-driver');
var portFromArguments = require('./port');

var server = http.createServer();

server.on('upgrade', function (request, socket, body) {
  var driver = websocket.http(request);
  var names = ['sec-websocket-protocol', 'websocket-protocol'];

  // The library negotiates no subprotocol in the hixie drafts: that is for the application.
  names.forEach(function (name) {
    if (request.headers[name]) driver.setHeader(name, request.headers[name]);
  });

  driver.on('message', function (event) {
    if (event.data === 'order: close') driver.close();
    else driver.text(event.data);
  });
  driver.on('close', function () { socket.end(); });
  // The client's FIN: the library leaves it to the application to answer it.
  driver.messages.on('end', function () { socket.end(); });
  socket.on('error', function () { socket.destroy(); });

  driver.io.write(body);
  socket.pipe(driver.io).pipe(socket);
  driver.start();
});

server.listen(portFromArguments(), '127.0.0.1', function () {
  console.log('listening on ' + server.address().port);
});
