'use strict';

// What the Node peers share: the port to listen on, out of `--port N`.

module.exports = function portFromArguments() {
  var at = process.argv.indexOf('--port');
  return at < 0 ? 0 : Number(process.argv[at + 1]);
};
