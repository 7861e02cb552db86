"""The processes that train one model together, each on its share of every batch."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from torch import Tensor, distributed


def own_device() -> str:
    """The device of this process: its own GPU where there are any, else the processor."""
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    return "cpu"


class Team:
    """Started by ``torchrun --nproc-per-node N``, one process for each GPU (or, on a CPU, each core: threads
    that wait for one another at every operation are slower where other programs run beside them)."""

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", 1))
        self.rank = int(os.environ.get("RANK", 0))
        self.device = own_device()
        if self.device != "cpu":
            torch.cuda.set_device(self.device)
        if self.size > 1:
            # The others wait while the first one prepares the text.
            backend = "gloo" if self.device == "cpu" else "nccl"
            distributed.init_process_group(backend, timeout=timedelta(days=1))

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def sum(self, numbers: Tensor) -> Tensor:
        """The sum of all processes' numbers, for all of them."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def as_first(self, *numbers: float) -> list[float]:
        """The first process's numbers; every process waits for them here."""
        if self.size == 1:
            return list(numbers)
        shared = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return shared.tolist()

    def leave(self) -> None:
        """The end of the work."""
        if self.size > 1:
            distributed.destroy_process_group()
