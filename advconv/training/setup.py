"""What a training needs, in memory and validated: the architecture, the images, the device, the processes."""

from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import initialised
from advconv.language.spec import ArchSpec
from advconv.layers.pointwise import BatchNorm2d
from advconv.training.architecture import Architecture
from advconv.training.augment import Augment, pipeline
from advconv.training.data import TrainingData
from advconv.training.device import Accelerator
from advconv.training.device_augment import DeviceAugment
from advconv.training.distillation import Teacher
from advconv.training.files import RunError
from advconv.training.initial_weights import Start
from advconv.training.loader import BatchPlan
from advconv.training.metrics import History
from advconv.training.options import RunOptions
from advconv.training.progress import ProgressReporter
from advconv.training.ranks import Rank
from advconv.training.trainer import Trainer
from advconv.values.quantities import counted


class TrainingSetup(NamedTuple):
    """`start`: the weights to start from instead of newly initialised ones; `teacher`: that of a distillation."""

    architecture: Architecture
    data: TrainingData
    accelerator: Accelerator
    options: RunOptions
    workers: int
    process: Rank
    reporter: ProgressReporter
    start: Start | None = None
    teacher: Teacher | None = None

    @property
    def spec(self) -> ArchSpec:
        return self.architecture.spec

    @property
    def measures(self) -> Measures:
        return self.architecture.measures

    def plan(self) -> BatchPlan:
        """The batches. Raises RunError if the processes cannot divide a batch, or a batch norm has one value."""
        recipe, count = self.spec.train, len(self.data.train)
        size = min(recipe.batch_size, count)
        if size % self.process.world_size:
            raise RunError(f"a batch of {size} images does not divide into {self.process.world_size} processes")
        if size == 1 and (norm := self._norm_of_one_position()):
            reason = f"a batch of one image leaves the batch norm of {norm} one value a channel"
            raise RunError(f"{reason}, which has no variance; use a batch_size of 2 or more")
        return BatchPlan(count, size, recipe.epochs, recipe.seed, self.process)

    def _norm_of_one_position(self) -> str:
        """The row of the first batch norm over a 1x1 map; empty if there is none."""
        norms = (node for node in self.measures.graph.nodes if isinstance(node.layer, BatchNorm2d))
        return next((node.origin.label for node in norms if node.shape.size == (1, 1)), "")

    def trainer(self) -> Trainer:
        """A trainer before the first step."""
        module = initialised(self.measures.graph, self.spec.train.seed)
        if self.start:
            module.load_state_dict(self.start.tensors)
        return Trainer(module, self.data, self.spec.train, self.plan(), self.accelerator, self.teacher)

    def augment(self) -> Augment:
        return Augment(pipeline(self.spec.augment, self.data.mean), self.spec.train.seed)

    def device_augment(self) -> DeviceAugment:
        images = len(self.data.train)
        return DeviceAugment(pipeline(self.spec.augment, self.data.mean), self.spec.train.seed, images)

    def has_reached_target(self, history: History) -> bool:
        """Whether the last epoch has reached the accuracy of `until`."""
        target, accuracy = self.options.until, history.latest_accuracy
        return target is not None and accuracy is not None and accuracy >= target

    def reason_to_end(self, history: History) -> str:
        """Why training ends after the last epoch of a history, before the last of the recipe; empty if it goes on."""
        patience, epoch = self.spec.train.patience, len(history.epochs)
        if self.has_reached_target(history):
            return f"reached {self.options.until:g}% on the {history.picked_on} set in epoch {epoch}"
        if patience and epoch - history.best_epoch >= patience:
            return f"ended early: no better validation accuracy for {counted(patience, 'epoch')} (patience)"
        return ""
