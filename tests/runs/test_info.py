"""`python -m lab info`: what a report of a bug needs, without a backend and without secrets."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from lab import __main__ as commands
from lab.runs import info, machine
from tests.processes import ROOT


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    """A function that lays a /proc/cpuinfo of these lines."""

    def lay(text):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        monkeypatch.setattr(machine, "CPUINFO", path)

    return lay


@pytest.mark.parametrize(
    ("flags", "sets"),
    [
        ("fpu sse avx avx2 fma", ["avx2"]),
        ("avx2 avx512f avx512_vnni", ["avx2", "avx512"]),
        ("avx2 avx512f amx_bf16 amx_tile amx_int8", ["avx2", "avx512", "amx", "amx_bf16"]),
        ("fpu noavx2 avx512f_not", []),
    ],
)
def test_the_processor_is_read_from_linux(cpu, flags, sets):
    cpu(f"processor\t: 0\nmodel name\t: A Processor 9000\nflags\t\t: {flags}\n\nprocessor\t: 1\nmodel name\t: B\n")
    assert machine.processor() == "A Processor 9000"
    assert machine.instruction_sets() == sets


def test_elsewhere_the_architecture_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    assert (machine.processor(), machine.instruction_sets()) == ("arm64", None)
    assert "instruction sets: unknown" in info.lines(info.collect())


@pytest.mark.parametrize(
    ("visible", "device"), [(None, "GPU NVIDIA H200, NVIDIA if the backend has CUDA, else CPU"), ("", "CPU"), ("-1", "CPU")]
)
def test_gpus_are_read_from_their_driver(monkeypatch, tmp_path, visible, device):
    for name, text in (("a", "Model: \t\t NVIDIA H200\nIRQ: 1\n"), ("b", "IRQ: 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "information").write_text(text)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine.device() == device
    monkeypatch.setattr(machine, "NVIDIA", tmp_path / "none")
    assert machine.device() == "CPU"


def test_free_disk_of_a_folder_that_is_not_there_yet(tmp_path):
    assert 0 < machine.free_disk(tmp_path / "a" / "b") <= machine.shutil.disk_usage(tmp_path).total


def test_the_report_has_versions_and_no_secrets(own_home, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:hunter22@h/db?password=hunter22")
    monkeypatch.setenv("XLA_FLAGS", "--xla=1")
    monkeypatch.setenv("MY_TOKEN", "swordfish")
    assert commands.main(["info"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert f"keras: {version('keras')}" in lines and f"numpy: {version('numpy')}" in lines
    assert "store: postgresql://me@h/db" in lines
    assert f"runs: {own_home / 'mlruns' / 'runs'}" in lines
    assert "hunter22" not in out and "swordfish" not in out and "XLA_FLAGS=--xla=1" in out
    assert any(line.startswith("free disk: ") and line.endswith("B") for line in lines)


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(info, "PACKAGES", (*info.PACKAGES, "no-such-package"))
    assert "no-such-package: not installed" in info.lines(info.collect())


def test_json_and_no_backend():
    code = "import sys; from lab import __main__ as commands; commands.main(['info', '--json'])\n"
    code += "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'mlflow'} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["keras"] == version("keras") and isinstance(found["cores"], int) and isinstance(found["free_disk"], int)
    assert done.stderr.strip() == "[]"


def test_an_unknown_flag_is_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        commands.main(["info", "--jso"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "command line: expected a known flag, received --jso (nearest: --json)\n"
