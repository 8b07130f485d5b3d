// Many sockets at once, as plan.json beside this page asks for. Each event is told on the console
// in a line of its own, with the name of its socket.
//
// A plan is {limit, sockets}: a list of {name, url, protocol, messages, replies, repeat, expect,
// patience}. `messages` are sent when the socket is open, `replies` when a text has come, and
// `repeat` every 100 ms until any has. After `expect` messages the page closes the socket, null:
// it never does; and after `patience` milliseconds in any case, null: it has all the time.
//
// ECMAScript 3: WebKit 534.34 runs it as it is.

(function () {
  var request = new XMLHttpRequest();
  request.open('GET', 'plan.json', true);
  request.onload = function () { show(JSON.parse(request.responseText)); };
  request.send(null);

  function show(plan) {
    var left = plan.sockets.length;
    var i;
    setTimeout(function () { log('', 'limit', {left: left}); finish(); }, plan.limit);
    for (i = 0; i < plan.sockets.length; i += 1) open(plan.sockets[i], closed);

    function closed() {
      left -= 1;
      if (!left) finish();
    }
  }

  function open(entry, closed) {
    var received = 0;
    var socket = entry.protocol === null
      ? new WebSocket(entry.url)
      : new WebSocket(entry.url, entry.protocol);

    if (entry.patience !== null) setTimeout(function () { socket.close(); }, entry.patience);

    socket.onopen = function () {
      var i;
      log(entry.name, 'open', {});
      for (i = 0; i < entry.messages.length; i += 1) socket.send(entry.messages[i]);
      if (entry.repeat !== null) setTimeout(again, 100);
    };
    socket.onmessage = function (event) {
      log(entry.name, 'message', {text: event.data});
      received += 1;
      if (entry.replies[event.data] !== undefined) socket.send(entry.replies[event.data]);
      if (received === entry.expect) socket.close();
    };
    socket.onerror = function () {
      log(entry.name, 'error', {});
    };
    socket.onclose = function () {
      log(entry.name, 'close', {});
      closed();
    };

    function again() {
      if (received || socket.readyState !== 1) return;
      socket.send(entry.repeat);
      setTimeout(again, 100);
    }
  }

  // The console is not safe for anything but printable ASCII.
  function log(name, event, fields) {
    fields.socket = name;
    fields.event = event;
    console.log('page: ' + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, function (character) {
      return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
    }));
  }

  function finish() {
    window.status = 'done';
  }
}());
