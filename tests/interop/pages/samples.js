// One socket after the other, as plan.json beside this page asks for. Each event is told on the
// console in a line of its own, so that what the engine says stands between its socket's lines.
//
// A plan is a list of {name, origin, target, protocol, attempts, more}. A socket is opened again
// while it opens and attempts are left: some bugs show with some keys only.
//
// ECMAScript 3: WebKit 534.34 runs it as it is.

(function () {
  // How many requests are made and answered until what a socket was sent must have been read.
  var TURNS = 4;

  get('plan.json', function (text) { show(JSON.parse(text), 0, 1); });

  function show(plan, index, attempt) {
    var entry = plan[index];
    var opened = false;
    var over = false;
    var key, socket;

    if (!entry) {
      window.status = 'done';
      return;
    }
    key = entry.name + '.' + attempt;
    log('socket', {name: entry.name, attempt: attempt});
    socket = entry.protocol === null
      ? new WebSocket(entry.origin + '/' + key + entry.target)
      : new WebSocket(entry.origin + '/' + key + entry.target, entry.protocol);

    socket.onopen = function () {
      opened = true;
      log('open', {});
      // The server takes this for a sign that the socket is open.
      socket.send('open');
    };
    socket.onmessage = function (event) {
      log('message', {text: event.data});
    };
    socket.onerror = function () {
      log('error', {});
    };
    socket.onclose = function (event) {
      log('close', {wasClean: event.wasClean === true});
      next();
    };

    get('sent/' + key, function () { turn(TURNS, settled); });

    function settled() {
      log('settled', {});
      if (entry.more && socket.readyState === 1) {
        get('more/' + key, function () { turn(TURNS, end); });
      } else {
        end();
      }
    }

    function end() {
      log('over', {});
      over = true;
      get('end/' + key, next);
    }

    // Called at the end of both the socket and the request for it, in either order.
    function next() {
      if (!over || socket.readyState < 2) return;
      over = false;
      if (opened && attempt < entry.attempts) show(plan, index, attempt + 1);
      else show(plan, index + 1, 1);
    }
  }

  function turn(left, then) {
    if (left) get('turn', function () { turn(left - 1, then); });
    else then();
  }

  function get(address, then) {
    var request = new XMLHttpRequest();
    request.open('GET', address, true);
    request.onload = function () { then(request.responseText); };
    request.send(null);
  }

  // The console is not safe for anything but printable ASCII.
  function log(name, fields) {
    fields.event = name;
    console.log('page: ' + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, function (character) {
      return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
    }));
  }
}());
