"""Random networks over every block, verified against torch.

Each network is measured and built; every claim of `advconv verify` must hold. Prints the counts and the seed.
"""

import sys
import time
from collections import Counter
from typing import Any

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, given, settings

from advconv.backends.evidence import verify
from benchmarks.options import Option, options
from tests.build import checked
from tests.strategies import archs


def main(networks: int, seed: int) -> int:
    counts: Counter[str] = Counter()
    failures: list[tuple[dict[str, Any], Any]] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=networks * 3,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(archs())
    def one(data: dict[str, Any]) -> None:
        measures = checked(data).measures
        if measures is None or counts["networks"] == networks:
            return
        counts["networks"] += 1
        counts["layers"] += len(measures.graph.nodes)
        for claim in verify(measures):
            counts["claims"] += 1
            counts["not verified"] += claim.found is None
            failures.extend([] if claim.holds else [(data, claim)])

    torch.set_num_threads(1)
    began = time.perf_counter()
    one()
    print(f"torch {torch.__version__}, seed {seed}: {dict(counts)}, {len(failures)} mismatches,", end=" ")
    print(f"{time.perf_counter() - began:.0f} s")
    for data, claim in failures[:5]:
        print(claim, data, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(
        main(**options(__doc__, networks=Option(2000, "number of networks"), seed=Option(0, "seed of the networks")))
    )
