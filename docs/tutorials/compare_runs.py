"""
Compare runs in the UI
======================

You have several runs, and want to know which settings are better.
"""

# %%
# Seeds of one experiment
# -----------------------
#
# One run says little, because results differ from seed to seed. ``--seeds`` makes a child run for
# each seed. The parent run has the mean and the 95 % interval::
#
#     python -m experiments.ppo_cartpole --device --seeds 5
#
# Here the same with two short runs.

import subprocess
import sys

command = [
    sys.executable,
    "-m",
    "experiments.ppo_cartpole",
    "--device",
    "--smoke",
    "--seeds",
    "2",
    "--tracking-uri",
    "none",
]
done = subprocess.run(command, capture_output=True, text=True)
print("$ python", *command[1:])
print(done.stdout)

# %%
# Look at them
# ------------
#
# ``python -m lab ui`` starts MLflow's UI on this machine. Choose an experiment. Its runs are rows;
# a parent run has its seeds below it.
#
# .. image:: /mlflow.png
#     :alt: Seeds as child runs of one parent run, compared over environment steps
#
# - The *Chart* view, an icon above the list, shows a metric of all runs over environment steps.
# - Select several runs and press *Compare* to see their settings side by side; *Show diff only*
#   leaves out what is the same.
# - A run's *Artifacts* are its curves, its pictures and its model.
#
# In the terminal
# ---------------
#
# Each run says its results when it ends, and a parent run says them for all seeds, as above. With
# two seeds the interval is wide. Five seeds and more make it useful.
#
# ``python -m lab compare`` says which of several groups of runs is better, and how sure that is:
# see :doc:`/compare`.
