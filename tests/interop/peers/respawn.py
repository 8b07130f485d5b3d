"""Starts a server again whenever it ends, on the port that it had: as a supervisor would."""

import subprocess
import sys


def main() -> None:
    port, *command = sys.argv[1:]
    is_first = True
    while True:
        with subprocess.Popen(
            [*command, "--port", port], stdout=subprocess.PIPE, encoding="utf-8"
        ) as server:
            assert server.stdout is not None
            for line in server.stdout:
                if is_first:
                    port = line.removeprefix("listening on ").strip()
                    print(line, end="", flush=True)
                    is_first = False


if __name__ == "__main__":
    main()
