"""What PyTorch makes of this machine, as JSON: billions of operations a second in a matrix product, by precision, and whether
`torch.compile` works. Arguments: the precisions.
"""

import json
import sys

import torch
from steps import timed

SIZE = 2048


def gemm(dtype):
    a, b = torch.rand(2, SIZE, SIZE).to(dtype)
    times = []
    # Not ten times where it is emulated, which takes minutes.
    while sum(times) < 3 and len(times) < 10:
        times.append(timed(lambda: a @ b))
    return 2 * SIZE**3 / min(times) / 1e9


def compiles():
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(8))
        return True
    except Exception as error:
        print(error, file=sys.stderr)
        return False


print(json.dumps({name: gemm(getattr(torch, name)) for name in sys.argv[1:]} | {"compiles": compiles()}))
