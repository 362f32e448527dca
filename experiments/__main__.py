"""`python -m experiments` lists all experiments."""

from pathlib import Path

from lab.runs.experiment import About


def main() -> None:
    """Prints for every experiment what it shows, the expected result, the time and the command."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem.startswith("_"):
            continue
        about = About.of_file(path)
        print(f"{path.stem}\n    {about.summary}")
        print(f"    expected: {about.expected}\n    time: {about.time}\n    python -m experiments.{path.stem}\n")


if __name__ == "__main__":
    main()
