// One WebSocket session as the query string asks for it, told on the console one event a line.
//
//   url       where to connect
//   protocol  the subprotocol to ask for, if any
//   message   a text to send; may be repeated
//   size      send one more message, of so many bytes of UTF-8
//   close     "client": close once every echo has come; else stay until the server closes
//   limit     milliseconds after which the page gives up
//
// ECMAScript 3: WebKit 534.34 runs it as it is.

(function () {
  var options = parse(window.location.search);
  var expected = options.message.slice();
  var received = 0;
  var finished = false;
  var socket;

  if (options.size) expected.push(ofSize(Number(options.size)));

  setTimeout(function () {
    if (!finished) log('limit', {readyState: socket ? socket.readyState : -1});
    finish();
  }, Number(options.limit));

  try {
    socket = options.protocol === undefined
      ? new WebSocket(options.url)
      : new WebSocket(options.url, options.protocol);
  } catch (error) {
    log('exception', {text: String(error)});
    finish();
    return;
  }

  socket.onopen = function () {
    var i;
    log('open', {});
    for (i = 0; i < expected.length; i += 1) socket.send(expected[i]);
  };

  socket.onmessage = function (event) {
    log('message', {
      equal: event.data === expected[received],
      length: event.data.length,
      text: event.data.slice(0, 200)
    });
    received += 1;
    if (received === expected.length && options.close === 'client') socket.close();
  };

  socket.onerror = function () {
    log('error', {});
  };

  socket.onclose = function (event) {
    log('close', {wasClean: event.wasClean === true});
    finish();
  };

  function parse(search) {
    var found = {message: [], limit: '20000'};
    var pairs = search.slice(1).split('&');
    var i, at, name, value;
    for (i = 0; i < pairs.length; i += 1) {
      at = pairs[i].indexOf('=');
      name = pairs[i].slice(0, at);
      value = decodeURIComponent(pairs[i].slice(at + 1));
      if (name === 'message') found.message.push(value);
      else found[name] = value;
    }
    return found;
  }

  // Sixteen bytes a unit, with characters of one, two and three, so that reads cut through them.
  function ofSize(bytes) {
    var text = '0123456789a\u00e9\u2192';
    var made = '';
    var left = Math.floor(bytes / 16);
    while (left > 0) {
      if (left % 2) made += text;
      text += text;
      left = Math.floor(left / 2);
    }
    return made + new Array(bytes % 16 + 1).join('.');
  }

  // The console is not safe for anything but ASCII.
  function log(name, fields) {
    fields.event = name;
    console.log('page: ' + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, function (character) {
      return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
    }));
  }

  function finish() {
    finished = true;
    window.status = 'done';
  }
}());
