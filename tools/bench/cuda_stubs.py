"""Lets PyTorch's wheel for Linux load without the gigabytes of CUDA that it is linked with, for use on the CPU.

One library stands for all of CUDA's, under the names that PyTorch looks for: each of its functions returns an error, as
without a GPU.
"""

import re
import subprocess
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

# cudaErrorNoDevice, and an error in CUDA's other libraries too.
ERROR = 100
folder = Path(find_spec("torch").origin).parent / "lib"
stub, script = folder / "cuda-stub.so", folder / "cuda-stub.map"
libraries = [file for file in folder.glob("lib*.so*") if not file.is_symlink()]


def output(*command):
    return subprocess.run([*command, *libraries], check=True, capture_output=True, text=True).stdout


undefined = output("nm", "--dynamic", "--undefined-only", "--with-symbol-versions")
functions = sorted(set(re.findall(r" [Uw] ((?:__)?(?:cu|nv|nccl)\w+)(?:@(\S+))?$", undefined, re.MULTILINE)))
versions = defaultdict(list)
for name, version in functions:
    if version:
        versions[version].append(name)
script.write_text("".join(f"{version} {{ {'; '.join(names)}; }};\n" for version, names in versions.items()))
source = "".join(f"int {name}(void) {{ return {ERROR}; }}\n" for name, _ in functions)
compiler = ["cc", "-shared", "-fPIC", f"-Wl,--version-script={script}", "-x", "c", "-", "-o", stub]
subprocess.run(compiler, check=True, text=True, input=source)
for name in set(re.findall(r"NEEDED.*\[(lib(?:cu|nv|nccl)[^]]+)\]", output("readelf", "--dynamic"))):
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(stub.name)
