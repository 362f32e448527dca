import gc
import os
import socket
import zlib

import pytest

from tests.graphs import eager, graphs, module_eager, module_graphs  # noqa: F401  fixtures

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in experiments
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
gc.set_threshold(50_000, 20, 20)  # by default each 700 new objects start a collection, and a graph has many more


def in_part(name, part):
    """Whether a test belongs to a part such as "1/2", the first of two."""
    number, parts = map(int, part.split("/"))
    return zlib.crc32(name.encode()) % parts == number - 1


def pytest_collection_modifyitems(config, items):
    """Leaves out the other parts, if the environment names one."""
    part = os.environ.get("LAB_TESTS_PART", "1/1")
    others = [item for item in items if not in_part(item.nodeid, part)]
    items[:] = [item for item in items if in_part(item.nodeid, part)]
    config.hook.pytest_deselected(items=others)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test sees the user's mlruns or tracking server."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield tmp_path
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # mlflow.set_tracking_uri sets it for all processes to come


@pytest.fixture(autouse=True)
def drawn_once(tmp_path_factory, monkeypatch):
    """Data sets are drawn once for all tests, not for each test's own home.

    tests/data, where this fixture has another meaning, checks what a home keeps.
    """
    from lab.data import drawn

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # by the worker processes
    monkeypatch.setattr(drawn, "home", lambda: shared)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A test that leaves this machine fails."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"expected no network, received a connection to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
