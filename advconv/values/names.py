"""Valid names of blocks, rows and paths (those that work as attributes of a torch module), and of networks."""

import keyword
import re

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names of networks, which are also names of files and directories."""

TITLE_TEXT = "up to 100 letters, digits, '-', '_' and '.', the first a letter or a digit"


ONNX_SUFFIX, WEIGHTS_SUFFIX = ".onnx", ".safetensors"
"""The files that `advconv export` writes."""


def title_problem(text: str, what: str) -> str:
    """Why a text cannot name an architecture or a directory; empty if it can."""
    article = "an" if what[0] in "aeiou" else "a"
    fits = TITLE.fullmatch(text)
    return "" if fits else f"{text[:40]!r} cannot name {article} {what}; use {TITLE_TEXT}"


# dir(torch.nn.Sequential()), compared by a test: a child with one of these names would hide the attribute.
MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half
    insert ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type xpu zero_grad
    """.split()
)

TAKEN = ("self", "super")


def name_problem(name: str) -> str:
    """Why this cannot be a name; empty if it can."""
    if not NAME.fullmatch(name):
        return f"{name[:40]!r} is not an ASCII identifier"
    if keyword.iskeyword(name):
        return f"{name!r} is a Python keyword"
    if name.startswith("_"):
        return f"{name!r} starts with an underscore, which torch reserves for module internals"
    if name in TAKEN:
        return f"{name!r} is reserved in Python classes"
    if name in MODULE_ATTRIBUTES:
        return f"{name!r} is an attribute of every torch module"
    return ""
