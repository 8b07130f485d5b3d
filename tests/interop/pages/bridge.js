// One socket after the other, each through the steps that plan.json beside this page asks for.
// Each event is told on the console in a line of its own, with the name of its socket.
//
// A plan is a list of {name, url, protocol, patience, steps}; `patience` in milliseconds, protocol
// null for none. When the steps are done the page waits until the socket is closed. A step is one:
//
//   say       texts to send, one behind the other; each must come back
//   planes    the same with every so manyth character of Unicode, a message for each of 17 planes
//   size      the same with one text of so many bytes of UTF-8
//   bytes     send these as a binary message; what comes back is told
//   order     send this text, to which no echo is expected
//   hear      wait for a message, and tell it
//   ask       have this done by the server of the page
//   close     close the socket with these arguments
//   leave     true: the document to which the socket belongs goes away, and the socket's page ends
//
// ECMAScript 3: WebKit 534.34 runs it as it is.

(function () {
  document.cookie = 'room=kitchen';
  get('plan.json', function (text) { next(JSON.parse(text), 0); });

  function get(path, then) {
    var request = new XMLHttpRequest();
    request.open('GET', path, true);
    request.onload = function () { then(request.responseText); };
    request.send(null);
  }

  function next(plan, at) {
    if (at === plan.length) window.status = 'done';
    else perform(plan[at], function () { next(plan, at + 1); });
  }

  function perform(entry, then) {
    var expected = [];
    var todo = entry.steps.slice();
    var isBusy = false;
    var isOver = false;
    // The socket is that of a document of its own, which can go away without this one.
    var frame = document.body.appendChild(document.createElement('iframe'));
    var Socket = frame.contentWindow.WebSocket;
    var timer = setTimeout(function () {
      log('limit', {state: socket.readyState, left: todo.length, expected: expected.length});
      end();
    }, entry.patience);
    var socket = entry.protocol === null
      ? new Socket(entry.url)
      : new Socket(entry.url, entry.protocol);
    socket.binaryType = 'arraybuffer';

    socket.onopen = function () {
      log('open', {protocol: socket.protocol === undefined ? null : socket.protocol});
      advance();
    };
    socket.onmessage = function (event) {
      var data = event.data;
      if (typeof data !== 'string') log('binary', {bytes: numbers(data)});
      else if (expected.length) log('echo', {equal: data === expected.shift(), length: data.length});
      else log('message', {text: data.slice(0, 200)});
      if (!expected.length) {
        isBusy = false;
        advance();
      }
    };
    socket.onerror = function () { if (!isOver) log('error', {}); };
    socket.onclose = function (event) {
      if (isOver) return;
      log('close', {
        wasClean: event.wasClean === true,
        code: event.code === undefined ? null : event.code,
        reason: event.reason === undefined ? null : event.reason
      });
      end();
    };

    function advance() {
      var step;
      while (todo.length && !isBusy && !isOver) {
        step = todo.shift();
        if (step.say) echo(step.say);
        else if (step.planes) echo(planes(step.planes));
        else if (step.size) echo([ofSize(step.size)]);
        else if (step.bytes) socket.send(new Uint8Array(step.bytes).buffer);
        else if (step.order) socket.send(step.order);
        else if (step.hear) isBusy = true;
        else if (step.ask) ask(step.ask);
        else if (step.close) socket.close.apply(socket, step.close);
        else if (step.leave) end();
      }
    }

    function echo(texts) {
      var i;
      isBusy = true;
      for (i = 0; i < texts.length; i += 1) {
        expected.push(texts[i]);
        socket.send(texts[i]);
      }
    }

    function ask(path) {
      isBusy = true;
      get(path, function () {
        isBusy = false;
        advance();
      });
    }

    function end() {
      isOver = true;
      clearTimeout(timer);
      document.body.removeChild(frame);
      then();
    }

    // The console is not safe for anything but ASCII.
    function log(name, fields) {
      fields.event = name;
      fields.socket = entry.name;
      console.log('page: ' + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, function (one) {
        return '\\u' + ('000' + one.charCodeAt(0).toString(16)).slice(-4);
      }));
    }
  }

  function numbers(buffer) {
    var view = new Uint8Array(buffer);
    var found = [];
    var i;
    for (i = 0; i < view.length; i += 1) found.push(view[i]);
    return found;
  }

  // U+0000 and those that stand for nothing included; of each plane the first and the last.
  function planes(stride) {
    var made = [];
    var plane, low, high, text;
    for (plane = 0; plane < 17; plane += 1) {
      text = [];
      for (low = 0; low < 0x10000; low += stride) text.push(character(plane, low));
      made.push(text.join('') + character(plane, 0xffff));
    }
    return made;
  }

  function character(plane, low) {
    var high = (plane - 1) * 0x10000 + low;
    if (plane) return String.fromCharCode(0xd800 + (high >> 10), 0xdc00 + (high & 0x3ff));
    // Half of a pair is no character.
    return low < 0xd800 || low > 0xdfff ? String.fromCharCode(low) : '';
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
}());
