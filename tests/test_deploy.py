"""What samples/deploy says is what the command line takes, and its times fit together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from ws76proxy.cli import commands

FOLDER = Path(__file__).parents[1] / "samples" / "deploy"
CLOSE_TIMEOUT = 10
RELAY_PORT, METRICS_PORT = 8076, 9100


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all(FOLDER / name))


def parsed(arguments: list[str]) -> dict[str, Any]:
    """The options of a relay, as its own command line reads them."""
    relay = commands.get_command(click.Context(commands), "relay")
    assert relay is not None
    return relay.make_context("relay", arguments).params


def compose() -> Any:
    return documents("compose.yaml")[0]


def compose_arguments() -> list[str]:
    upstream, *options = compose()["services"]["relay-1"]["command"]
    assert upstream.startswith("${UPSTREAM:?")
    return ["ws://service.example:80", *options]


def deployment() -> Any:
    return documents("kubernetes.yaml")[0]["spec"]


def test_compose() -> None:
    options, services = parsed(compose_arguments()), compose()["services"]
    assert services["relay-1"] == services["relay-2"]
    relay = services["relay-1"]
    assert options["listen"] == ("0.0.0.0", RELAY_PORT)
    assert options["metrics"] == ("0.0.0.0", METRICS_PORT)
    assert options["proxy_protocol"]
    (subnet,) = compose()["networks"]["inside"]["ipam"]["config"]
    assert [str(network) for network in options["trusted_proxies"]] == [subnet["subnet"]]
    grace = int(relay["stop_grace_period"].removesuffix("s"))
    assert options["drain"] + CLOSE_TIMEOUT < grace
    # Two files a session, in a worker that has its share of them.
    files = 2 * options["max_connections"] / options["workers"]
    assert files < relay["ulimits"]["nofile"]


def test_compose_and_haproxy_agree() -> None:
    wanted = set(re.findall(r'"\$\{(\w+)\}"', (FOLDER / "haproxy.cfg").read_text()))
    balancer = compose()["services"]["haproxy"]
    assert set(balancer["environment"]) == wanted
    assert balancer["environment"]["RELAY_1"] == f"relay-1:{RELAY_PORT}"
    assert balancer["environment"]["METRICS_PORT"] == str(METRICS_PORT)
    assert 2 * int(balancer["environment"]["HAPROXY_MAXCONN"]) < balancer["ulimits"]["nofile"]


def test_kubernetes() -> None:
    pod = deployment()["template"]["spec"]
    (container,) = pod["containers"]
    options = parsed(container["args"])
    (_, seconds) = container["lifecycle"]["preStop"]["exec"]["command"]
    needed = int(seconds) + options["drain"] + CLOSE_TIMEOUT
    assert needed < pod["terminationGracePeriodSeconds"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"relay": options["listen"][1], "metrics": options["metrics"][1]}
    annotations = deployment()["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["metrics"])


def test_the_image() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    entry = re.search(r"^ENTRYPOINT (.*)$", text, re.M)
    assert entry is not None
    assert json.loads(entry[1]) == ["ws76proxy", "relay"]
    assert f":{METRICS_PORT}/healthz" in text
    for source in re.findall(r"^COPY ([^-\n]*) \S+$", text, re.M):
        for name in source.split():
            assert (FOLDER.parents[1] / name).exists()
    # Whoever runs it is nobody.
    assert re.search(r"^USER \d+$", text, re.M)


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes.yaml"])
def test_no_key_stands_twice(name: str) -> None:
    """ruamel.yaml refuses that, where others take the last."""
    assert documents(name)
