"""Loaded, refused, taken away and loaded again: by a mitmdump that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mitm.client import Client
from tests.mitm.peers import Peer, RawServer, serve
from tests.mitm.process import ADDON, Mitmdump, run_mitmdump
from ws76proxy.cli.addon import command as addon_command

_SPOIL = """
from mitmproxy.proxy.layers.http import HttpStream
{spoil}
import sys
sys.path.insert(0, {root!r})
from ws76proxy.mitm.script import addons
"""


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("del HttpStream.start_request_stream", "there is no .*HttpStream.start_request_stream"),
        ("HttpStream.flow_done = lambda self: iter(())", "a handshake in memory failed"),
    ],
)
def test_a_mitmproxy_that_is_not_as_known_is_refused(tmp_path: Path, spoil: str, why: str) -> None:
    script = tmp_path / "spoiled.py"
    script.write_text(_SPOIL.format(spoil=spoil, root=str(ADDON.parents[1])))
    program = Path(sys.executable).with_name("mitmdump")
    done = subprocess.run(
        [str(program), "-p", "0", "-s", str(script), "--set", f"confdir={tmp_path}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    (line,) = [one for one in said.splitlines() if "ws76proxy" in one and "Loading" not in one]
    assert "ws76proxy does not know its way around mitmproxy 1" in line
    assert re.search(why, line)


def test_the_options_are_known(tmp_path: Path) -> None:
    said = run_mitmdump(["-s", str(ADDON), "--options", "-n"], tmp_path)
    for name in ("ws76_challenge", "ws76_repair", "ws76_strict", "ws76_max_messages"):
        assert name in said or "ws76" not in said


def test_the_command_prints_what_can_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addon_command.main([], standalone_mode=False)
    path = Path(capsys.readouterr().out.strip())
    assert path.name == "script.py"
    with RawServer(serve) as server:
        spec = f"reverse:http://127.0.0.1:{server.port}"
        with Mitmdump(spec, home=tmp_path, addon=path) as mitm:
            client = Client(Peer.connect(mitm.port), "/installed", f"127.0.0.1:{mitm.port}")
            client.open()
            client.echo(b"hello")
            client.close()
            assert mitm.flow("/installed")["metadata"]["verdict"] == "verified"


def test_loaded_again_while_it_runs(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    text = f"import sys\nsys.path.insert(0, {str(ADDON.parents[1])!r})\n"
    text += "from ws76proxy.mitm.addon import Ws76\naddons = [Ws76()]\n"
    script.write_text(text)
    with RawServer(serve) as server:
        spec = f"reverse:http://127.0.0.1:{server.port}"
        with Mitmdump(spec, home=tmp_path, addon=script) as mitm:
            first = Client(Peer.connect(mitm.port), "/first", f"127.0.0.1:{mitm.port}")
            first.open()
            loads = [line for line in mitm.log if "Loading script" in line]
            # mitmproxy looks at the time of the file each second.
            script.write_text(text + "# changed\n")
            later = script.stat().st_mtime + 10
            os.utime(script, (later, later))
            mitm.line(lambda line: str(script) in line and line not in loads)
            second = Client(Peer.connect(mitm.port), "/second", f"127.0.0.1:{mitm.port}")
            second.open()
            for client in (first, second):
                client.echo(b"hello")
                client.close()
            for path in ("/first", "/second"):
                assert mitm.flow(path)["metadata"]["verdict"] == "verified"
