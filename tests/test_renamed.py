"""Old names work for one more version, with a warning."""

import json
import zipfile

import keras
import numpy as np
import pytest

from lab import layers, renamed
from lab.losses import reinforcement
from tests.contracts import as_array, uniform


@pytest.mark.parametrize("name", reinforcement.OLD)
def test_old_losses_warn(name):
    with pytest.warns(DeprecationWarning, match=f"{name}: its name is {reinforcement.OLD[name]} now"):
        found = getattr(reinforcement, name)
    assert found is getattr(reinforcement, reinforcement.OLD[name])


def test_an_old_layer_warns_and_others_are_unknown():
    with pytest.warns(DeprecationWarning, match="CategoricalHead: its name is CategoricalValueHead now"):
        assert layers.CategoricalHead is layers.CategoricalValueHead
    with pytest.raises(AttributeError, match=r"module 'lab.layers' has no attribute 'Nothing'"):
        renamed("lab.layers", {})("Nothing")


def test_files_with_the_old_name_still_load(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.CategoricalValueHead(2, 5)])
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                config = json.loads(content)
                head = config["config"]["layers"][1]
                assert head["registered_name"] == "lab>CategoricalValueHead"
                head |= {"registered_name": "lab>CategoricalHead", "class_name": "CategoricalHead"}
                content = json.dumps(config)
            old.writestr(name, content)
    loaded, x = keras.saving.load_model(tmp_path / "old.keras"), uniform(0, 4, 3)
    assert type(loaded.layers[-1]) is layers.CategoricalValueHead
    np.testing.assert_array_equal(as_array(loaded(x)), as_array(model(x)))
