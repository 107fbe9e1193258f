"""Teaches papermill TypeScript notebooks: how parameters are written and read, where the kernel starts, why it died.

papermill loads this through `papermill_typescript-1.0.dist-info/entry_points.txt`; set-up puts this folder on the path
of the Python in `.venv`.
"""

import inspect
import json
from pathlib import Path

from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_output
from papermill.engines import NBClientEngine, papermill_engines
from papermill.log import logger
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators
from typescript_kernel import TypeScriptKernelManager
from typescript_parameters import declarations

TYPES = {"str": "string", "bool": "boolean", "int": "number", "float": "number", "list": "array", "dict": "object"}


class TypeScriptTranslator(Translator):
    """papermill writes and reads parameters as code; it knows no TypeScript."""

    @classmethod
    def comment(cls, text):
        return f"// {text}".strip()

    @classmethod
    def translate(cls, value):
        # What JSON has no word for, such as the dates of YAML, becomes text.
        code = json.dumps(value, ensure_ascii=False, default=str)
        # For TypeScript these two end the line, even inside a string.
        return code.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")

    @classmethod
    def assign(cls, name, value):
        # Declared again, since the value of an assignment would be shown below the cell. The types of lists, objects and
        # null are not those of their literals: `[]` has none, and a pair would become a list of any length.
        annotation = ": any" if value.startswith(("[", "{", "null")) else ""
        return f"let {name}{annotation} = {value};"

    @classmethod
    def inspect(cls, cell):
        return [
            Parameter(name, annotation or type_of(value), value, comment or "")
            for name, annotation, value, comment in declarations(cell.source)
        ]


def type_of(value):
    """TypeScript's name for the type of a literal; "None" is papermill's word for an unknown one."""
    try:
        return TYPES.get(type(json.loads(value)).__name__, "null")
    except ValueError:
        return "None"


class TypeScriptEngine(NBClientEngine):
    """Starts the kernel in the notebook's folder, which `import … from "../src"` is relative to.

    That a kernel dies is an error of the cell that ran, as any other: the notebook is written as far as it ran.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs):
        if kernel_name != "tslab":
            return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
        notebook = kwargs.get("input_path")
        if isinstance(notebook, str) and Path(notebook).is_file() and not chosen_folder():
            kwargs["resources"] = {"metadata": {"path": str(Path(notebook).resolve().parent)}}
        try:
            return super().execute_managed_notebook(
                nb_man, kernel_name, kernel_manager_class=TypeScriptKernelManager, **kwargs
            )
        except DeadKernelError:
            message = TypeScriptKernelManager.latest.cause_of_death()
            cell = [cell for cell in nb_man.nb.cells if cell.metadata.papermill["start_time"]][-1]
            cell.outputs.append(new_output("error", ename="DeadKernelError", evalue=message, traceback=[message]))
            nb_man.cell_exception(cell)


def chosen_folder():
    """What `--cwd` or `cwd=` says, if anything: papermill goes there but does not tell its engines."""
    callers = (caller.frame.f_locals for caller in inspect.stack(0) if caller.function == "execute_notebook")
    return next((names["cwd"] for names in callers if "cwd" in names), None)


# The engine says why.
logger.addFilter(lambda record: not record.getMessage().startswith("Kernel died"))
papermill_translators.register("typescript", TypeScriptTranslator)
# The engine that runs where none is named; for other kernels it does what papermill's own does.
papermill_engines.register(None, TypeScriptEngine)
