"""What the GIF of an episode shows: frames, a caption below each, the end for a second."""

import gymnasium
import numpy as np
import pytest
from PIL import Image

from lab.agents import watching
from lab.agents.watching import captioned, in_one_palette


class Ramp(gymnasium.Env):
    """Five steps. The reward of a step is its number; the frame is as bright as the step."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 25}
    observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(1, np.float32), float(self.steps), self.steps == 5, False, {}

    def render(self):
        return np.full((40, 240, 3), 40 * self.steps, np.uint8)


@pytest.fixture
def film(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "greedy_policy", lambda model, space: lambda observation: 0)
    captions = []
    monkeypatch.setattr(watching, "captioned", lambda frames, texts: captions.extend(texts) or captioned(frames, texts))

    def record(**options):
        captions.clear()
        total = watching.record_episode(Ramp, None, tmp_path / "e.gif", seed=0, **options)
        return total, list(captions), Image.open(tmp_path / "e.gif")

    return record


def test_the_caption_has_the_environment_the_step_and_the_return(film):
    Ramp.metadata["render_fps"] = 4
    try:
        total, captions, picture = film()
    finally:
        Ramp.metadata["render_fps"] = 25
    assert total == 15
    assert [" ".join(words) for words in captions] == [
        "Ramp step 0 return 0",
        "Ramp step 2 return 3",
        "Ramp step 4 return 10",
        "Ramp step 5 return 15",  # the end, though it is no second step
    ]
    assert picture.n_frames == 4


def test_a_caption_stays_long_enough_to_be_read_and_the_last_one_is_exact(film):
    _, captions, _ = film()  # 80 milliseconds a frame
    assert [words[2] for words in captions] == ["0", "0", "4", "5"]
    _, captions, _ = film(every=1)  # 40 milliseconds a frame
    assert [words[2] for words in captions] == ["0", "0", "0", "0", "0", "5"]


def test_the_label_is_the_callers(film):
    _, captions, _ = film(label="my policy", every=5)
    assert [words[0] for words in captions] == ["my policy"] * 2


def test_the_last_frame_stays_for_a_second(film):
    _, _, picture = film()
    durations = []
    for frame in range(picture.n_frames):
        picture.seek(frame)
        durations.append(picture.info["duration"])
    assert durations == [80, 80, 80, 1000]


def test_frames_after_the_greatest_number_are_left_out(film):
    _, captions, picture = film(every=1, max_frames=2)
    assert picture.n_frames == 2 and captions[-1][2:] == ("1", "return", "1")


def test_the_frame_stays_as_it_is_and_the_strip_changes_with_the_return(film):
    _, _, picture = film(every=2)
    shown = []
    for frame in (0, 2):
        picture.seek(frame)
        shown.append(np.asarray(picture.convert("L")).astype(int))
    assert shown[0].shape[1] == 240 and shown[0].shape[0] > 50
    np.testing.assert_allclose(shown[0][:40], 0, atol=8)
    np.testing.assert_allclose(shown[1][:40], 160, atol=8)
    strips = [each[40:] for each in shown]
    assert (strips[0] < 128).sum() > 30 and (strips[0] != strips[1]).sum() > 10
    np.testing.assert_array_equal(strips[0][:, :100], strips[1][:, :100])  # the label stays


def test_a_word_has_the_same_place_in_all_frames():
    frames = [Image.new("RGB", (300, 20))] * 2
    short, long = captioned(frames, [("lake", "9", "return"), ("lake", "1,000", "return")])
    different = np.flatnonzero((np.asarray(short) != np.asarray(long)).any(axis=(0, 2)))
    assert 0 < different.max() - different.min() < 40


def test_a_narrow_frame_has_two_lines():
    frame = Image.new("RGB", (100, 40))
    words = ("an environment", "step", "0", "return", "0")
    (wide,) = captioned([frame.resize((400, 40))], [words])
    (narrow,) = captioned([frame], [words])
    assert narrow.height - 40 > 1.5 * (wide.height - 40)
    lower = np.asarray(narrow.convert("L"))[-14:]
    assert narrow.width == 100 and (lower < 128).any()


def test_one_palette_keeps_the_colours_of_a_drawing():
    colours = [(200, 30, 30), (30, 30, 200), (255, 255, 255)]
    frames = in_one_palette([Image.new("RGB", (8, 8), colour) for colour in colours])
    assert len({bytes(frame.getpalette()) for frame in frames}) == 1
    for frame, colour in zip(frames, colours, strict=True):
        np.testing.assert_allclose(np.asarray(frame.convert("RGB"))[0, 0], colour, atol=4)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (475.0, "475"), (-1230.52, "-1,231"), (-0.1, "-0.10"), (12.345, "12.35"), (1e4, "10,000")]
)
def test_returns_are_short(value, text):
    assert watching._number(value) == text


def test_names_of_environments():
    assert [watching._name(each) for each in ("CartPole-v1", Ramp, Ramp())] == ["CartPole-v1", "Ramp", "Ramp"]
