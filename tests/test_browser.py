"""The MLflow UI in a real browser: the experiment, its seeds, compared curves, GIF and picture.

Set LAB_SCREENSHOTS to a folder to keep screenshots.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.runs.run_folder import RunFolder
from tests.processes import ON_JAX

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine"),
]
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1500,1000",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A store with one run of two seeds."""
    folder = tmp_path_factory.mktemp("home")
    environment = os.environ | ON_JAX | {"LAB_HOME": str(folder)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    arguments = os.environ.get("LAB_BROWSER_ARGUMENTS", "--smoke --steps 6000").split()
    command = [sys.executable, "-m", "experiments.dqn_cartpole", *arguments, "--seeds", "2"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "did not take everything" not in done.stdout
    return folder


@pytest.fixture(scope="module")
def ui(home):
    """The address of the UI, as `python -m lab ui` prints it."""
    command = [sys.executable, "-m", "lab", "ui", "--port", "5600"]
    log = open(home / "ui.log", "w")  # noqa: SIM115
    environment = os.environ | {"LAB_HOME": str(home)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    printed = process.stdout.readline() + process.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+", printed).group(0)
    import urllib.request

    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1)
            break
        except OSError:
            time.sleep(0.1)
    (home / "printed.txt").write_text(printed)
    yield url
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def ids(home):
    """(MLflow id of the experiment, {seed: MLflow id of its run}). The parent has seed None."""
    folders = [RunFolder(path.parent) for path in (home / "mlruns" / "runs").glob("*/run.json")]
    runs = {folder.header()["seed"] if folder.header().get("parent") else None: folder for folder in folders}
    import sqlite3

    with sqlite3.connect(home / "mlruns" / "mlflow.db") as database:
        ((experiment,),) = database.execute("select experiment_id from experiments where name = 'dqn_cartpole'")
    return experiment, {seed: folder.delivery()["run_id"] for seed, folder in runs.items()}


def see(browser, url, *words, patience=60, name=None, elements=()):
    """Opens a page and waits until it shows all the words (and elements, by CSS)."""
    from selenium.webdriver.common.by import By

    browser.get(url)
    end = time.monotonic() + patience
    while True:
        text = browser.find_element(By.TAG_NAME, "body").text
        missing = [word for word in words if word not in text]
        missing += [css for css in elements if not browser.find_elements(By.CSS_SELECTOR, css)]
        if not missing or time.monotonic() > end:
            break
        time.sleep(0.3)
    if os.environ.get("LAB_SCREENSHOTS") and name:
        time.sleep(3)
        browser.save_screenshot(str(Path(os.environ["LAB_SCREENSHOTS"]) / f"{name}.png"))
    assert not missing, f"{url}: expected {missing}, received: {text[:1500]}"
    return text


def test_the_experiment_and_its_seeds_nested(home, ui, browser):
    from selenium.webdriver.common.by import By

    experiment, _runs = ids(home)
    see(browser, ui, "dqn_cartpole", name="home")
    page = f"{ui}/#/experiments/{experiment}/runs"
    see(browser, page, "2seeds-", elements=("[col-id*='Run Name'] button",))
    names = [RunFolder(path.parent).name for path in (home / "mlruns" / "runs").glob("*/run.json")]
    children = [name.removeprefix("dqn_cartpole-")[:12] for name in names if "2seeds" not in name]
    text = browser.find_element(By.TAG_NAME, "body").text
    assert not any(name in text for name in children)  # folded under their parent
    browser.find_element(By.CSS_SELECTOR, "[col-id*='Run Name'] button").click()
    for _ in range(100):
        text = browser.find_element(By.TAG_NAME, "body").text
        if all(name in text for name in children):
            break
        time.sleep(0.3)
    if os.environ.get("LAB_SCREENSHOTS"):
        browser.save_screenshot(str(Path(os.environ["LAB_SCREENSHOTS"]) / "seeds.png"))
    assert all(name in text for name in children), text[:1500]


def test_the_printed_addresses_open_the_view_of_model_training(home, ui, browser):
    experiments, newest = re.findall(r"http://\S+", (home / "printed.txt").read_text())
    text = see(browser, experiments, "dqn_cartpole", "Deep Q-learning balances CartPole", "Model registry", name="experiments")
    assert "Prompts" not in text  # of the other view
    _, runs = ids(home)
    assert runs[None] in newest
    text = see(browser, newest, "2seeds-", "A smoke run", "--seeds 2", "episode_return_low", "algorithm", name="parent")
    assert "Evaluation" not in text and "Judges" not in text


def test_two_runs_compared_with_their_curves(home, ui, browser):
    experiment, runs = ids(home)
    chosen = f'["{runs[0]}","{runs[1]}"]'
    url = f'{ui}/#/compare-runs?runs={chosen}&experiments=["{experiment}"]'.replace('"', "%22")
    see(browser, url, "seed0-", "seed1-", "greedy_return", "learning_rate", name="compare")
    charts = f"{ui}/#/experiments/{experiment}/runs?compareRunsMode=CHART"
    see(browser, charts, "check_return", name="charts", elements=(".js-plotly-plot",))


@pytest.mark.parametrize(("artifact", "seed"), [("episode.gif", 0), ("curve.png", 0), ("band.png", None)])
def test_artifacts_are_shown(home, ui, browser, artifact, seed):
    from selenium.webdriver.common.by import By

    experiment, runs = ids(home)
    page = f"{ui}/#/experiments/{experiment}/runs/{runs[seed]}/artifacts/{artifact}"
    browser.get("about:blank")  # else MLflow may show the files of the run before
    see(browser, page, artifact, name=artifact.replace(".", "_"))
    for _ in range(100):
        images = browser.find_elements(By.TAG_NAME, "img")
        widths = [browser.execute_script("return arguments[0].naturalWidth", image) for image in images]
        if any(width >= 300 for width in widths):
            break
        time.sleep(0.3)
    if os.environ.get("LAB_SCREENSHOTS"):
        browser.save_screenshot(str(Path(os.environ["LAB_SCREENSHOTS"]) / f"{artifact.replace('.', '_')}.png"))
    assert any(width >= 300 for width in widths), widths


def test_curves_lie_over_environment_steps(home, ui, browser):
    experiment, runs = ids(home)
    page = f"{ui}/#/experiments/{experiment}/runs/{runs[0]}/model-metrics"
    text = see(browser, page, "episode_return", "Step", name="metrics", elements=(".js-plotly-plot",))
    ticks = [int(number) for number in re.findall(r"^(\d000)$", text, re.MULTILINE)]
    assert max(ticks) >= 5000  # the axis counts environment steps, not updates
