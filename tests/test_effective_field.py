"""The effective receptive field against brute force, a closed form, and the theoretical field; and `advconv erf`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from advconv.analysis.measure import Measures
from advconv.backends.effective_field import EffectiveField, Mass, masses, sees_beyond, targets
from advconv.backends.torch_module import build, initialised
from advconv.geometry import Shape
from advconv.report.effective_field import percent, thinned
from advconv.training.erf import noise, of_initialisations
from advconv.training.errors import ComputeError
from advconv.training.run import open_run
from advconv.training.trainer import Trainer
from tests import build as networks
from tests.build import measured
from tests.strategies import LAW, archs
from tests.test_laws import one_thread
from tests.training import command, only_run, short_trainings_in, shorten, small, write_arch


def found_masses(measures: Measures, module: nn.Module | None = None, images: int = 2) -> list[Mass | None]:
    module = module or initialised(measures.graph, 0)
    return masses(measures, module, targets(measures), noise(measures.graph.input, images, 0).pixels)


def field_of(measures: Measures, module: nn.Module | None = None) -> EffectiveField:
    (target,), (mass,) = targets(measures), found_masses(measures, module)
    assert mass is not None
    return EffectiveField(target, (mass,))


@LAW
@given(archs(), st.integers(0, 2**32 - 1))
def test_no_pixel_outside_of_the_theoretical_field_has_a_gradient(data: dict[str, Any], seed: int) -> None:
    """Unless a gate or a norm over all positions looks beyond it, which is then named."""
    measures = networks.checked(data).measures
    assume(measures is not None)
    assert measures is not None
    with one_thread():
        found = found_masses(measures, initialised(measures.graph, seed), images=1)
    for target, mass in zip(targets(measures), found, strict=True):
        assume(mass is not None)
        assert mass is not None
        assert mass.sum() == pytest.approx(1)
        if target.box is not None and not sees_beyond(measures, target):
            assert not mass[~target.inside].any()


PLAIN = {"norm": "none", "activation": "tanh"}
ROWS = [
    [{"conv": {"out_channels": 4, **PLAIN}}, {"conv": {"out_channels": 4, **PLAIN}}],
    [{"conv": {"out_channels": 4, "dilation": 3, "padding": "valid", **PLAIN}}, {"conv": {"out_channels": 4, **PLAIN}}],
    [{"strided": {"out_channels": 4, **PLAIN}}, {"avgpool": 2}, {"conv": {"out_channels": 4, **PLAIN}}],
    [{"conv": {"out_channels": 4, "kernel_size": [1, 4], "stride": [1, 3], **PLAIN}}, {"residual": [{"conv": 4}]}],
]


@pytest.mark.parametrize("rows", ROWS, ids=["same", "dilated", "strided", "wide"])
def test_the_pixels_with_a_gradient_are_those_whose_change_changes_the_middle(rows: list[Any]) -> None:
    """With random weights and smooth activations, one pixel at a time."""
    measures = measured(*rows, input=(2, 12, 13), defaults={"norm": "none", "activation": "tanh"})
    (target,), (mass,) = targets(measures), found_masses(measures)
    module = initialised(measures.graph, 0).double().eval()
    image = noise(measures.graph.input, 1, 5).pixels.double()
    row, column = target.position
    changes = np.zeros((12, 13), dtype=bool)
    with torch.no_grad():
        before = module(image)[..., row, column]
        for y, x in np.ndindex(changes.shape):
            other = image.clone()
            other[..., y, x] += 1
            changes[y, x] = not torch.equal(module(other)[..., row, column], before)

    assert mass is not None
    assert ((mass > 0) == changes).all()
    assert 0 < changes.sum() < changes.size


def stack(count: int, size: int) -> tuple[Measures, nn.Module]:
    """Convolutions of 3x3 without activation, all weights equal."""
    row = {"conv": {"out_channels": 1, "norm": "none", "activation": "none", "bias": False}}
    measures = measured({"repeat": {"times": count, "layers": [row]}}, input=(1, size, size))
    module = build(measures.graph)
    for weight in module.parameters():
        nn.init.constant_(weight, 0.5)
    return measures, module


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_equal_weights_give_the_convolution_of_boxes(count: int) -> None:
    """Section 2.1 of the paper: each axis is the distribution of a sum of `count` values from -1, 0 and 1."""
    size = 2 * count + 5
    field = field_of(*stack(count, size))
    axis = np.ones(1)
    for _ in range(count):
        axis = np.convolve(axis, np.full(3, 1 / 3))
    axis = np.pad(axis, (size - len(axis)) // 2)

    assert np.allclose(field.mass, np.outer(axis, axis), rtol=1e-12, atol=0)
    assert field.target.size == (2 * count + 1, 2 * count + 1)
    assert field.radii[-1] == field.target.half_size == count


def test_the_field_of_a_stack_tends_to_a_gaussian_whose_width_grows_with_the_root_of_the_depth() -> None:
    distances = []
    for count in (2, 8, 32):
        field = field_of(*stack(count, 2 * count + 9))
        places = np.arange(2 * count + 9) - field.target.centre[0]
        axis = field.mass.sum(axis=1)
        deviation = np.sqrt((axis * places**2).sum())
        assert deviation == pytest.approx(np.sqrt(2 / 3 * count))
        gaussian = np.exp(-(places**2) / (2 * deviation**2)) / (deviation * np.sqrt(2 * np.pi))
        distances.append(np.abs(axis - gaussian).max() / axis.max())

    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.01


def test_radii_count_from_the_centre_of_the_field_which_may_lie_between_pixels() -> None:
    even = field_of(measured({"avgpool": {"kernel_size": 4, "stride": 4}}, input=(1, 12, 12))).target
    wide = field_of(measured({"conv": {"out_channels": 2, "kernel_size": [1, 5]}}, input=(1, 9, 9)))

    assert (even.position, even.box, even.centre, even.half_size) == ((1, 1), ((4, 7), (4, 7)), (5.5, 5.5), 1.5)
    assert [even.square(radius) for radius in (0.5, 1.5)] == [(2, 2), (4, 4)]
    assert (wide.target.box, wide.target.half_size, wide.radii) == (((4, 4), (2, 6)), 2, [0, 1, 2])
    assert wide.share(2) == pytest.approx(1)
    assert wide.radius_of(1) == 2


def test_shares_and_spreads_are_over_the_networks() -> None:
    (target,) = targets(measured({"conv": 1}, input=(1, 3, 3)))
    corner, middle = np.zeros((3, 3)), np.zeros((3, 3))
    corner[0, 0] = middle[1, 1] = 1
    both, one = EffectiveField(target, (corner, middle)), EffectiveField(target, (middle,))

    assert (both.share(0), both.share(1), both.spread(1)) == (0.5, 1, 0)
    assert both.spread(0) == pytest.approx(np.sqrt(0.5))
    assert (one.share(0), one.spread(0), one.radius_of(0.9), both.radius_of(0.9)) == (1, None, 0, 1)


def test_each_last_map_has_a_field_of_its_own() -> None:
    pooled = {"paths": {"near": [{"conv": 4}, "gap"], "far": [{"conv": {"out_channels": 4, "kernel_size": 7}}, "gap"]}}
    measures = measured({"branches": {"merge": "concat", **pooled}})
    found = targets(measures)

    assert [target.size for target in found] == [(3, 3), (7, 7)]
    assert [np.count_nonzero(mass) for mass in found_masses(measures) if mass is not None] == [9, 49]


def test_without_a_global_pooling_it_is_the_field_of_the_last_map() -> None:
    (target,) = targets(measured({"conv": 4}, {"conv": 4}, "flatten", {"linear": 10}))

    assert (target.name, target.size, target.position) == ("C1[1]", (5, 5), (8, 8))


def test_a_gate_and_a_norm_over_all_positions_look_beyond_the_field() -> None:
    se = measured({"conv": 32}, {"squeeze_excite": {"reduction": 1}}, {"conv": 4})
    norm = measured({"conv": {"out_channels": 4, "norm": "layer"}}, {"conv": 4})
    plain = measured({"conv": 4}, {"conv": 4})

    for measures, why in ((se, "gates"), (norm, "group or layer norms"), (plain, "")):
        (target,) = targets(measures)
        outside = field_of(measures).outside
        assert sees_beyond(measures, target) == why
        assert outside is not None
        assert (outside > 0) == bool(why)


def test_an_unknown_field_has_radii_around_the_place_of_the_position() -> None:
    paths = {"a": [{"conv": {"out_channels": 4, "stride": 2}}], "b": [{"conv": {"out_channels": 4, "padding": "valid"}},
             {"maxpool": {"kernel_size": 7, "stride": 1}}]}  # fmt: skip
    measures = measured({"branches": {"merge": "add", "paths": paths}}, input=(4, 16, 16))
    (target,) = targets(measures)
    field = field_of(measures)

    assert target.shape.size == (8, 8)
    assert (target.box, target.size, target.half_size, field.outside) == (None, None, None, None)
    assert target.centre == (8.5, 8.5)
    assert field.share(field.radii[-1]) == pytest.approx(1)


def test_a_network_without_a_gradient_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    measures = measured({"conv": 4})

    def dead(graph: Any, seed: int) -> nn.Module:
        module = initialised(graph, seed)
        if seed in blocked:
            for weight in module.parameters():
                nn.init.zeros_(weight)
        return module

    monkeypatch.setattr("advconv.training.erf.initialised", dead)
    images, blocked = noise(measures.graph.input, 2, 0), {1}
    found = of_initialisations("t", measures, range(3), images)
    assert found.notes == ("at initialisation the gradient is 0 in 1 network, which the mean leaves out",)
    assert len(found.fields["at initialisation"][0].masses) == 2

    blocked = {0, 1, 2}
    with pytest.raises(ComputeError, match=r"at initialisation no gradient of C1\[0\] reaches the image"):
        of_initialisations("t", measures, range(3), images)


def test_percentages_are_rounded_without_a_false_100() -> None:
    assert [percent(share) for share in (0.0, 0.5, 0.9995, 0.99999, 1.0, None)] == [
        "0.0%", "50.0%", "99.9%", "99.9%", "100.0%", "-",
    ]  # fmt: skip


def test_thinned_values_keep_the_first_and_the_last() -> None:
    values = [float(number) for number in range(100)]

    assert thinned(values, None) == thinned(values, 100) == values
    assert len(thinned(values, 12)) == 12
    assert (thinned(values, 12)[0], thinned(values, 12)[-1]) == (0, 99)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """A run and the weights that its training started from."""
    directory = tmp_path_factory.mktemp("erf")
    started: list[dict[str, torch.Tensor]] = []
    original = Trainer.__init__

    def spy(self: Trainer, module: nn.Module, *rest: Any) -> None:
        started.append({key: value.clone() for key, value in module.state_dict().items()})
        original(self, module, *rest)

    with short_trainings_in(directory) as patch:
        patch.setattr(Trainer, "__init__", spy)
        words = ["--limit", "64", "--epochs", "1", "--workers", "0", "--device", "cpu", "--seed", "7"]
        assert command("train", write_arch(directory / "t.yaml"), *words) == 0
    return only_run(directory), started[0]


@pytest.mark.slow
def test_before_training_is_the_network_that_the_training_started_from(
    run: tuple[Path, dict[str, torch.Tensor]],
) -> None:
    path, started = run
    opened = open_run(path)
    again = initialised(opened.measures.graph, opened.metadata.seed).state_dict()

    assert opened.metadata.seed == 7
    assert all(torch.equal(value, started[key]) for key, value in again.items())


@pytest.mark.slow
@pytest.mark.parametrize("source", [(), ("--data", "noise"), ("--weights", "best")])
def test_a_run_is_measured_before_and_after_its_training(
    source: tuple[str, ...],
    run: tuple[Path, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shorten(monkeypatch)
    assert command("erf", run[0], "--images", "3", "--format", "json", "-o", tmp_path / "erf.png", *source) == 0
    data = json.loads(capsys.readouterr().out)
    ((field,), sample) = data["maps"], data["sample"]

    assert f"3 images of {'noise' if 'noise' in source else 'drawn shapes'}" in sample
    assert (field["map"], field["shape"], field["position"]) == ("C1[3]", "32x4x4", [2, 2])
    assert field["outside"] == {"before training": 0, "after training": 0}
    last = field["profile"][-1]["share"]
    assert last == {"before training": pytest.approx(1), "after training": pytest.approx(1)}
    assert field["profile"][2]["share"]["before training"] != field["profile"][2]["share"]["after training"]
    assert (tmp_path / "erf.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_another_torch_is_told(
    run: tuple[Path, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advconv.training.erf.versions", lambda: {"torch": "9.9"})

    assert command("erf", run[0], "--images", "1", "--data", "noise") == 0
    assert "this is 9.9, which may initialise it otherwise" in capsys.readouterr().out


def test_a_file_is_measured_at_initialisation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(tmp_path / "t.yaml")
    words = ["erf", file, "--seeds", "2", "--images", "2"]
    texts = {}
    for format in ("text", "markdown", "csv", "json"):
        assert command(*words, "--format", format) == 0
        texts[format] = capsys.readouterr().out
    table = texts["csv"].splitlines()

    assert texts["text"].startswith(
        "t: effective receptive field of 2 initialisations (seed 0 to 1), 2 images of noise\n"
    )
    assert "theoretical receptive field 17x17, rows 0 to 16, columns 0 to 16\n" in texts["text"]
    assert table[0] == "Map,Radius,Square,Of the field,at initialisation,Spread"
    data = json.loads(texts["json"])
    profile, documented = data["maps"][0]["profile"], Path("docs/json.md").read_text()
    assert [key for key in (*data, *data["maps"][0], *profile[0]) if f"`{key}`" not in documented] == []
    assert [line.split(",")[1] for line in table[1:]] == [str(row["radius"]) for row in profile]
    assert command(*words, "--format", "json") == 0
    assert capsys.readouterr().out == texts["json"]


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_suffix_says_the_format_of_the_figure_and_two_are_equal(
    suffix: str, start: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{suffix}"
        assert command("erf", write_arch(tmp_path / "t.yaml"), "--seeds", "2", "--images", "1", "-o", path) == 0
        found.append(path.read_bytes())
        assert capsys.readouterr().out.endswith(f"\n\nwrote {path}\n")

    assert found[0].startswith(start)
    assert found[0] == found[1]


def test_the_figure_has_at_most_four_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {f"p{number}": [{"conv": 4}, "gap"] for number in range(6)}
    file = write_arch(tmp_path / "t.yaml", rows=[{"branches": {"merge": "concat", "paths": paths}}, {"linear": 10}])
    assert command("erf", file, "--seeds", "1", "--images", "1", "-o", tmp_path / "erf.svg") == 0

    assert "Spread" not in capsys.readouterr().out
    assert (tmp_path / "erf.svg").read_text().count("<!-- at initialisation, C1[0]") == 4


def test_images_of_a_set_are_used_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    file = write_arch(tmp_path / "t.yaml")
    assert command("erf", file, "--seeds", "1", "--images", "2", "--data", "shapes") == 0

    assert "(seed 0), 2 images of drawn shapes\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["none.yaml"], 2, "none.yaml: No such file or directory"),
        (["folder"], 2, "folder is not a run: it has no run.json"),
        (["t.yaml", "--weights", "best", "--previous"], 2,
         "t.yaml is a file, not a run; leave out --weights, --previous"),
        (["folder", "--seed", "0", "--input", "3,8,8"], 2,
         "a run has its own input and seed; leave out --input, --seed"),
        (["t.yaml", "--data", "mnist"], 2, "the input has 3 channels, MNIST has 1"),
        (["t.yaml", "--data", "folder", "--data-dir", "none"], 2,
         "none does not exist; --data-dir names the folder of the images"),
        (["t.yaml", "--seeds", "1", "--images", "1", "-o", "none/a.png"], 2,
         "none cannot be opened: No such file or directory"),
    ],
)  # fmt: skip
def test_a_mistake_has_one_line(
    words: list[str],
    code: int,
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(tmp_path / "t.yaml")
    (tmp_path / "folder").mkdir()

    assert command("erf", *words) == code
    assert capsys.readouterr().err == f"advconv: {line}\n"


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["-o", "a.jpg"], "argument -o/--output: 'a.jpg' does not end in .png, .svg or .pdf\n"),
        (["--images", "0"], "argument --images: '0' is not a whole number of at least 1\n"),
        (["--images", "10001"], "argument --images: 10,001 is too large; use at most 10,000\n"),
        (["--seeds", "1001"], "argument --seeds: 1,001 is too large; use at most 1,000\n"),
        (["--seed", "4294967296"], "argument --seed: 4,294,967,296 is too large; use at most 4,294,967,295\n"),
    ],
)
def test_an_option_out_of_range_is_refused(words: list[str], end: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("erf", "archs/c1c2c3c4.yaml", *words) == 2
    assert capsys.readouterr().err.endswith(end)


def test_a_file_with_errors_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.yaml").write_text(json.dumps(small(rows=[{"maxpool": 99}])))

    assert command("erf", tmp_path / "t.yaml") == 1
    assert "error[AC201]" in capsys.readouterr().err


def test_the_part_of_a_field_outside_of_the_image_is_said() -> None:
    """A field of 5x5 at position 2, 2 of an image of 4x4: its last row and its last column are outside, 9 of 25."""
    measures = measured({"conv": 4}, {"conv": 4}, input=(1, 4, 4))
    found = of_initialisations("t", measures, range(1), noise(measures.graph.input, 1, 0))
    inside = of_initialisations("t", measured({"conv": 4}, input=(1, 8, 8)), range(1), noise(Shape(1, 8, 8), 1, 0))

    share = "36.0% of the theoretical field of C1[1]"
    assert found.notes == (f"{share} is outside of the image, on padding; the shares are of the part inside",)
    assert inside.notes == ()
