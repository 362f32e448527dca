"""Jobs on a Ray cluster: they end as those without it, also when a machine is gone."""

import os
import socket
import subprocess
import sys
import time

import pytest

from lab.runs import courier, mlflow_server, planning, ray_task, ray_workers
from lab.runs.header import Options
from lab.runs.paths import home
from lab.runs.planning import Experiment
from lab.runs.run_folder import RunFolder
from tests.processes import ON_JAX, ROOT, folders
from tests.runs import bowl
from tests.runs.test_courier import local, wait_until
from tests.runs.test_lifecycle import HEADER

EXPERIMENT = Experiment.of(bowl.Config, bowl.run, {"steps": 3}, None, None)
STORE = 80_000_000  # bytes of each object store


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--gpus-per-job", "1"], "--gpus-per-job: expected --engine ray with it, received 1.0"),
        (["--shared-folder"], "--shared-folder: expected --engine ray with it, received True"),
        (["--engine", "rays"], "--engine: expected 'local', 'ray' or 'ray:ADDRESS', received 'rays'"),
        (["--engine", "local:1"], "--engine: expected 'local', 'ray' or 'ray:ADDRESS', received 'local:1'"),
    ],
)
def test_flags_that_need_ray_are_one_line(flags, line):
    with pytest.raises(ValueError) as error:
        planning.plan(EXPERIMENT, ["--seeds", "2", *flags])
    assert str(error.value).endswith(line)


def test_without_ray_it_is_one_line(monkeypatch):
    monkeypatch.setattr(ray_workers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError) as error:
        planning.plan(EXPERIMENT, ["--seeds", "2", "--engine", "ray"])
    assert str(error.value) == "ray: expected it to be installed, received none; pip install '.[ray]'"


def test_addresses_that_do_not_answer_are_one_line():
    pytest.importorskip("ray", reason="needs the extra ray")
    with socket.socket() as place:  # bound, but nobody listens
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
            line = f"^--engine: expected a Ray cluster that answers at {address}, received .*refused$"
            with pytest.raises(ValueError, match=line):
                planning.plan(EXPERIMENT, ["--seeds", "2", "--engine", f"ray:{address}"])
    for address in ("localhost", "127.0.0.1:port", "127.0.0.1:99999"):
        with pytest.raises(ValueError, match=f"^--engine: expected ray:HOST:PORT, received 'ray:{address}'$"):
            ray_workers.connected(f"ray:{address}")


def test_a_folder_that_is_not_shared_is_one_line(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    shared = (str(tmp_path), str(tmp_path / ".shared-x"))
    answer = ray_task.run_job(None, "tests.runs.bowl", "toy", None, shared, {}, str(tmp_path))
    assert answer["code"] == 2
    expected = f"--shared-folder: expected {tmp_path} to be on a disk that all machines share, received "
    assert answer["error"] == f"{expected}{socket.gethostname()}, which has another"


def test_the_actor_holds_the_lock_of_a_run_and_keeps_the_highest_level(tmp_path):
    run, other = RunFolder.create(HEADER), RunFolder.create(HEADER)
    post = ray_workers.Post(str(run.path.parent))
    assert post.begin(run.name)
    assert run.status() == "RUNNING"
    assert post.begin(run.name)  # it was started again
    with other.lock("writer"), pytest.raises(BlockingIOError, match=f"^{other.name}: expected a run that no process"):
        post.begin(other.name)
    assert post.level(run.name, []) == 0
    for level in (1, 2, 1):
        post.stop(run.name, level)
    assert post.level(run.name, []) == 2
    assert post.level(other.name, []) == 0
    post.end(run.name)
    assert run.status() == "KILLED"
    post.begin(run.name)
    assert post.level(run.name, []) == 0  # it was resumed
    post.end(run.name)


class Cluster:
    """What Ray says of a cluster."""

    def __init__(self, **resources):
        self.resources = resources

    def cluster_resources(self):
        return self.resources


@pytest.mark.parametrize(
    ("options", "resources", "running", "free"),
    [
        ({}, {"CPU": 3.0}, 2, True),
        ({}, {"CPU": 3.0}, 3, False),
        ({"cores_per_job": 2}, {"CPU": 5.0}, 1, True),
        ({"cores_per_job": 2}, {"CPU": 5.0}, 2, False),
        ({"gpus_per_job": 0.5}, {"CPU": 9.0, "GPU": 1.0}, 2, False),
        ({"gpus_per_job": 0.5}, {"CPU": 9.0, "GPU": 1.0}, 1, True),
        ({"jobs": 1}, {"CPU": 9.0}, 1, False),
        ({"jobs": 4}, {"CPU": 1.0}, 3, True),
        ({}, {}, 0, True),  # machines may come
        ({}, {}, 1, False),
    ],
)
def test_how_many_jobs_a_cluster_gets(options, resources, running, free):
    pool = object.__new__(ray_workers.RayWorkers)
    pool._ray, pool._options = Cluster(**resources), Options(engine="ray", **options)
    pool._cores = max(pool._options.cores_per_job, 1)
    pool._running = dict.fromkeys(range(running))
    assert pool.free() == free


@pytest.fixture
def cluster(monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the jobs of the raylets find this checkout
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": STORE}
    made = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **small})
    made.others = [made.add_node(**small) for _ in range(2)]
    yield made
    made.shutdown()


@pytest.mark.long
def test_a_machine_that_is_gone_changes_nothing(cluster, tmp_path):
    uri = local(tmp_path)
    words = ["--seeds", "3", "--steps", "40", "--wait", "0.2", "--tracking-uri", uri]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.runs.bowl", *words, "--engine", f"ray:{cluster.address}"],
        cwd=ROOT,
        env=os.environ | ON_JAX,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def seeds():
        found = [run for run in folders(home()) if run.header().get("parent")]
        return sorted(found, key=lambda run: run.header()["seed"])

    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if len(seeds()) == 3 and all(list(run.checkpoints.glob("step-*")) for run in seeds()):
            cluster.remove_node(cluster.others[0], allow_graceful=False)
            break
        time.sleep(0.1)
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert out.count("its process died by signal 9; started again from its checkpoint\n") == 1
    (parent,) = (run for run in folders(home()) if not run.header().get("parent"))
    # On a full machine the courier is slower than the run, which waits a minute for it at most.
    wait_until(lambda: all(map(courier.delivered, courier.family(parent))), patience=200)
    client = mlflow_server.client(uri)
    for seed, run in enumerate(seeds()):
        loss = 2.0 + 0.01 * seed
        curve = [(step, pytest.approx(loss + 5 / step)) for step in range(1, 41)]
        assert run.metrics()["loss"] == curve
        assert run.metrics()["count"] == [(step, float(step)) for step in range(1, 41)]
        assert run.results() == {"loss": pytest.approx(loss + 0.125)}
        assert run.status() == "FINISHED"
        assert (run.artifacts / "note.txt").read_text() == f"{loss}\n"
        assert (run.checkpoints / "step-000000000040.safetensors").exists()
        points = client.get_metric_history(run.mlflow_id(), "loss")
        assert sorted((point.step, point.value) for point in points) == curve
        assert client.get_run(run.mlflow_id()).data.tags["mlflow.parentRunId"] == parent.mlflow_id()
    assert sum("resuming at step" in run.output.read_text() for run in seeds()) == 1
    assert parent.results()["loss"] == pytest.approx(2.135)
    assert not list((home() / "mlruns").glob(".shared-*"))
