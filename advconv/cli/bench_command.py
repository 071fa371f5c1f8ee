"""`advconv bench`: the latency of a network on this machine."""

import argparse

from advconv.cli.files import checked_file
from advconv.cli.user_errors import report_user_errors
from advconv.constraints.record import Status
from advconv.system.console import FAILED, OK, USAGE, print_error, print_text


@report_user_errors
def run_bench(options: argparse.Namespace) -> int:
    """Exit code 1 if the latency is outside the limit of the file."""
    checked = checked_file(options.file, options.input)
    if checked is None:
        return USAGE
    if checked.measures is None or checked.spec is None:
        from advconv.net import ArchError

        raise ArchError(checked)
    from advconv.backends.torch_module import build
    from advconv.training.device import choose_accelerator
    from advconv.training.latency import judged, latencies, latency_table

    accelerator = choose_accelerator(options.device or "auto", "float32", "off")
    limit = checked.spec.constraints.latency
    batches = sorted({*(options.batch or BATCHES), *([1] if limit else [])})
    has_onnx = _has_onnx()
    graph = checked.measures.graph
    found = list(latencies(build(graph), graph.input, batches, accelerator.device, has_onnx, options.seconds))
    verdict = judged(limit, found)
    print_text(latency_table(f"{checked.spec.name} on {accelerator}", found, verdict).render(options.format))
    return FAILED if verdict and verdict.status is Status.FAILED else OK


BATCHES = (1, 128)


def _has_onnx() -> bool:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError:
        print_error("onnx or onnxruntime is not installed, so only torch is measured")
        return False
    return True
