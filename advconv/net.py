"""The Python interface: loads an architecture, measures it and builds its module."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advconv.analysis.measure import Measures
from advconv.backends.torch_source import emit
from advconv.check import Checked, check_bytes
from advconv.geometry import Shape
from advconv.report.diagnostics import as_text
from advconv.report.rf_table import rf_table
from advconv.report.summary import summary
from advconv.report.table import Table
from advconv.report.text import state_text, verdict_table
from advconv.rules.diagnostics import Diagnostic
from advconv.system.extras import naming_the_extra
from advconv.system.shipped import shipped_arch
from advconv.text.document import MAX_BYTES

if TYPE_CHECKING:
    from torch import nn


class ArchError(Exception):
    """A file that is not a network; `diagnostics` has the reasons. Its text is what `advconv check` prints."""

    def __init__(self, checked: Checked) -> None:
        super().__init__("\n\n".join(as_text(found) for found in checked.diagnostics))
        self.checked = checked
        self.diagnostics: list[Diagnostic] = checked.diagnostics

    def __reduce__(self) -> tuple[type["ArchError"], tuple[Checked]]:
        return ArchError, (self.checked,)


@dataclass(frozen=True, eq=False)
class Net:
    """A network that could be built, whether or not it keeps its constraints. Notebooks display its tables.

    `checked` has the diagnostics and the verdicts, `measures` the measurements of each layer.
    """

    name: str
    checked: Checked
    measures: Measures

    @property
    def ok(self) -> bool:
        """Whether the file has no errors and every constraint is kept."""
        return self.checked.ok

    def __repr__(self) -> str:
        field = f"receptive field {self.measures.receptive_field}"
        return f"Net({self.name}: {self.params:,} params, {self.macs:,} MACs, {field}, {state_text(self.checked)})"

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>\n{self.check()._repr_html_()}"

    @property
    def params(self) -> int:
        """Parameters, as `numel()` of torch's module counts them; running statistics are buffers and not counted."""
        return self.measures.total.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; bias and norm not counted. FLOPs are twice as many."""
        return self.measures.total.macs

    @property
    def weights(self) -> int:
        """Bytes of the parameters in float32."""
        return self.measures.weights

    @property
    def memory(self) -> int:
        """Peak bytes of inference that frees each output after its last reader; one image in float32."""
        return self.measures.memory.inference

    @property
    def memory_eager(self) -> int:
        """Peak bytes of `module()` in torch's eager mode, without gradients; one image in float32."""
        return self.measures.memory.eager

    @property
    def training_memory(self) -> int:
        """Bytes that autograd saves for the backward pass, for one image in float32; parameters not counted."""
        return self.measures.memory.training

    @property
    def receptive_field(self) -> int | tuple[int, int] | None:
        """Pixels: a number, or (height, width) if they differ; gates are excluded. None if it is unknown."""
        size = self.measures.receptive_field.size
        if size is None:
            return None
        height, width = size
        return height if height == width else (height, width)

    def check(self) -> Table:
        """The constraints with the measured values, and the diagnostics."""
        return verdict_table(self.checked)

    def suggest(self, *goals: str, edits: int = 3, most: int = 5) -> list[dict[str, Any]]:
        """The fewest edits of the file that keep all its constraints and further goals, such as "receptive_field > 60".

        Each as `advconv suggest --format json` prints it. Raises SettingError, a ValueError, for what is not a goal,
        and ArchError for one that is not a constraint.
        """
        from advconv.report.suggestions import suggestion_data
        from advconv.suggest.suggestion import suggest
        from advconv.suggest.task import Task, parse_goal

        task = Task(self.checked.source, tuple(parse_goal("goal", goal) for goal in goals))
        wrong = task.check_of_goals()
        if wrong and wrong.measures is None:
            raise ArchError(wrong)
        return [suggestion_data(found) for found in suggest(task, most, edits).found]

    def rf_table(self, explain: bool = False) -> Table:
        """The receptive-field calculation table."""
        return rf_table(self.measures, self.name, explain)

    def module(self, pretrained: bool = False) -> "nn.Module":
        """A torch.nn.Module of the network; needs torch, which the extra `train` installs.

        Freshly initialised in training mode, or `pretrained` in evaluation mode, with the weights of the file of the
        same name that ends in `.safetensors`. Raises WeightsError, a ValueError, if there are none, if they are
        damaged, or if the file has changed since they were trained.
        """
        with naming_the_extra("net.module()"):
            from advconv.backends.torch_module import build

        module = build(self.measures.graph)
        return self._trained(module) if pretrained else module

    def _trained(self, module: "nn.Module") -> "nn.Module":
        """The module with the weights beside the file."""
        with naming_the_extra("net.module()"):
            from advconv.backends.weights import load_trained

        assert self.checked.spec is not None, "a network has a spec"
        load_trained(Path(self.checked.source.name), self.checked.spec, module)
        return module.eval()

    def source(self) -> str:
        """The network as the source of a torch module, with the same state_dict keys as `module()`."""
        return emit(self.measures, self.name)

    def verify(self) -> Table:
        """Each number of the report compared with torch; needs torch, which the extra `train` installs."""
        with naming_the_extra("net.verify()"):
            from advconv.backends.evidence import verify
        from advconv.report.verify import claims_table

        return claims_table(verify(self.measures), self.name)

    def summary(self) -> Table:
        """The layers with output shapes, parameters and MACs."""
        return summary(self.measures, self.name)


def load(path: str | Path, input: tuple[int, int, int] | None = None) -> Net:
    """The network in a file, measured for its own input or for images of another (channels, height, width).

    `archs/c1c2c3c4.yaml` is the shipped file if there is no other.
    Raises ArchError if the file is not a network, OSError if it cannot be read, ValueError if `input` is not three
    whole numbers of at least 1, and TypeError if `path` is not a path.
    """
    if not isinstance(path, str | Path):
        raise TypeError(f"load takes the path of a file, not {path!r}; loads takes a text")
    shape, found = _shape(input), shipped_arch(str(path))
    with open(found, "rb") as file:
        return _net(found, file.read(MAX_BYTES + 1), shape)


def loads(text: str, name: str = "<text>", input: tuple[int, int, int] | None = None) -> Net:
    """The network in a text, like `load` for a file. `name` is the name of the text in diagnostics."""
    if not isinstance(text, str):
        raise TypeError(f"loads takes a text, not {text!r}; load takes the path of a file")
    return _net(name, text.encode("utf-8", "surrogatepass"), _shape(input))


def _shape(input: tuple[int, int, int] | None) -> Shape | None:
    if input is None:
        return None
    if isinstance(input, tuple | list) and len(input) == 3 and all(isinstance(n, int) and n > 0 for n in input):
        return Shape(*input)
    raise ValueError(f"input is (channels, height, width), not {input!r}")


def _net(name: str, data: bytes, shape: Shape | None) -> Net:
    checked = check_bytes(name, data, shape)
    if checked.spec is None or checked.measures is None:
        raise ArchError(checked)
    return Net(checked.spec.name, checked, checked.measures)
