"""Damages every file of a run in every way. The user must read one line with the file's path.

python -m benchmarks.attack_damage [--scale 0.1] [--seed 0]

There are two runs; the first one was killed. One of its files is emptied, cut, changed in one
byte, replaced by other text or by a folder, deleted, or made unreadable. Then both runs are
delivered, the damaged one is resumed, and its model is opened. Damage that is not reported must
have no effect: the run then ends with the results of an undisturbed one. The other run must never
be affected.
"""

import argparse
import contextlib
import math
import os
import random
import shutil
import tempfile

from benchmarks import damage
from lab import errors
from lab.runs import files, journal, mlflow_server, run_folder

HOWS = ("empty", "cut", "one byte", "other text", "missing", "folder", "unreadable")
NAMES = (
    "run.json", "journal.jsonl", "mlflow.json", "courier.log", ".writer.lock", ".courier.lock", "artifacts/config.json",
    "artifacts/model.keras", "artifacts/note.txt", "checkpoints/step-000000000040.safetensors",
    "checkpoints/step-000000000030.safetensors", "checkpoints",
)  # fmt: skip
UNREAD = ("courier.log", ".writer.lock", ".courier.lock", "artifacts/note.txt")  # no program reads or checks them
REPEATS = 12  # of the ways that damage a random place


def attack(seed, scale, done, keep):
    """Damages files; see `benchmarks/attack.py`."""
    damage.prepare()
    had = {row["kind"] for row in done}
    for how in HOWS:
        if (kind := f"damage: {how}") in had:
            continue
        counts, differences = {"files": 0, "told": 0, "without effect": 0}, []
        for name in NAMES:
            for repeat in range(math.ceil(REPEATS * scale) if how in ("one byte", "cut") else 1):
                told, wrong = one(name, how, random.Random(f"{seed} {name} {how} {repeat}"))
                if told is None:
                    continue
                counts["files"] += 1
                counts["told" if told else "without effect"] += 1
                differences += [f"{name}, {how}, {repeat}: {line}" for line in wrong]
        keep({"kind": kind, "counts": counts, "differences": differences})


def one(name, how, rng):
    """Damages one file in one way. Returns (whether it was reported, what broke the promise).

    The first is None where the file cannot be damaged in this way.
    """
    with tempfile.TemporaryDirectory() as home:
        store = damage.new_home(home)
        uri = mlflow_server.store_uri(store)
        with contextlib.redirect_stdout(open(os.devnull, "w")):
            victim, other = damage.begin(uri, killed=damage.KILLED), damage.begin(uri)
        shutil.copy(other.artifacts / "model.keras", victim.artifacts)  # as if the run had once ended
        shutil.copy(other.artifacts / "note.txt", victim.artifacts)
        journal.Journal(victim).append({"artifact": "note.txt"})
        damage.in_child(lambda: damage.sync())
        path = victim.path / name
        if not path.exists() or not spoil(path, how, rng):
            return None, []
        before = {file: file.read_bytes() for file in other.path.rglob("*") if file.is_file()}

        def look():
            lines = damage.sync()
            try:
                victim.status()  # as an experiment does before it resumes a run
                code, results = damage.go_on(victim)
            except (ValueError, OSError) as error:  # which the experiment prints in one line
                code, results = 2, None
                lines.append(str(error))
            lines += damage.sync()
            with contextlib.suppress(FileNotFoundError):
                run_folder.find("nobody")
            return {"code": code, "results": results, "lines": lines, "opened": _opened(victim)}

        result, said = damage.in_child(look, unprivileged=how == "unreadable")
        wrong = [f"a traceback: {said[-3:]}"] if any("Traceback" in line for line in said) else []
        wrong += [f"the other run lacks {what}" for what in damage.lacks(store, other.name)[:3]]
        wrong += [f"{file} changed" for file, content in before.items() if file.read_bytes() != content]
        if result is None:
            return False, [*wrong, f"an error: {said[-3:]}"]
        lines = said + result["lines"] + [result["opened"]]
        told = any(str(path) in line for line in lines)
        whole = result["code"] == 0 and result["results"] == {"count": damage.STEPS} and not damage.lacks(store, victim.name)
        if not told and not whole and name not in UNREAD:
            wrong.append(f"neither told nor without effect: {result}, {damage.lacks(store, victim.name)[:3]}")
        if any(len(line.splitlines()) > 1 for line in lines):
            wrong.append("more than one line")
        return told, wrong


def _opened(victim):
    """The error of opening the model, as `watch` and `sample` do first; empty without one."""
    try:
        files.require_readable(victim.artifacts / "model.keras")
    except errors.DamagedFile as error:
        return str(error)
    return ""


def spoil(path, how, rng):
    """Damages a file or folder. Returns False where that is impossible."""
    if how == "unreadable":
        path.chmod(0)
    elif how == "missing":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif path.is_dir():
        if how != "other text":
            return False
        shutil.rmtree(path)
        path.write_text("hello")
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "other text":
        path.write_text("hello\nhello\n")
    else:
        content = bytearray(path.read_bytes())
        if not content:
            return False
        place = rng.randrange(len(content))
        if how == "one byte":
            content[place] ^= 1 << rng.randrange(8)
        path.write_bytes(content if how == "one byte" else content[:place] if how == "cut" else b"")
    return True


def main():
    """Attacks, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the places in a file, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="seed of the places")
    flags = parser.parse_args()
    attack(
        flags.seed, flags.scale, [], lambda row: print(row["kind"], row["counts"], *row["differences"], sep="\n", flush=True)
    )


if __name__ == "__main__":
    main()
