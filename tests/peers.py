"""What recording is compared with: other readers of the same network.

pixels           what a network gets of them
responses        what was recorded of every element, by site
extracted        the same from torchvision's feature extractor
traced           the same from TorchLens
"""

import copy
import itertools
import operator
import re
from collections import Counter
from urllib.parse import unquote

import numpy as np
import torch
import torchlens
from torchlens.options import CaptureOptions
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from deeplocalizer import recording, units
from deeplocalizer.hooks import Site, every_module_called, turn
from deeplocalizer.models.feeding import normalise
from tests.recording.examples import CPU

UNWRAP = CaptureOptions(unwrap_when_done=True)  # else PyTorch's functions stay wrapped for all other tests


def pixels(inputs):
    """Give what a network gets: normalised as recording does it, for that is not what is compared."""
    mean, std = (torch.tensor(inputs[name].values, dtype=torch.float32)[:, None, None] for name in ("mean", "std"))
    return normalise(torch.from_numpy(inputs["pixel_values"].values), mean, std)


def responses(model, patterns, inputs):
    """Record every element in one batch; give the responses (stimulus, …) of each site and which are turned."""
    activations, _ = recording.record(
        model, patterns, inputs, ["position"], inputs.sizes["stimulus"], CPU, keep=["position"]
    )
    words = [unquote(word) for word in activations["layer"].attrs["flag_meanings"].split()]
    codes, calls = activations["layer"].values, activations["call"].values
    edges = np.flatnonzero(np.diff(codes) | np.diff(calls)) + 1
    values = activations["activation"].sel(stimulus=inputs["stimulus"].values).values
    found = {
        Site(words[codes[start]], int(calls[start])): values[:, start:stop]
        for start, stop in itertools.pairwise([0, *edges, len(codes)])
    }
    return found, {Site(*each) for each in units.turned(activations)}


def agree(site, recorded, expected, turned):
    """Say whether what was recorded is, element by element, what another reader found."""
    upright = turn(expected) if site in turned else expected
    return recorded.shape == upright.flatten(1).shape and np.array_equal(recorded, upright.flatten(1).float().numpy())


def extracted(model, inputs):
    """Give every output that torchvision's feature extractor finds, by our names, with nothing done in place.

    Its nodes are named as ours, but for `_1` after the second call; it also counts what is no tensor.
    """
    plain = copy.deepcopy(model)
    for module in plain.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    deep = {"leaf_modules": []}  # by default it stays outside the modules of torchvision itself
    _, names = get_graph_node_names(plain, tracer_kwargs=deep)
    extractor = create_feature_extractor(plain, eval_return_nodes=names, train_return_nodes=names, tracer_kwargs=deep)
    extractor.eval()
    for node in extractor.graph.nodes:
        if "inplace" in node.kwargs:
            node.update_kwarg("inplace", False)
        if node.target is operator.iadd:
            node.target = operator.add
    extractor.recompile()
    with torch.inference_mode(), every_module_called():
        outputs = extractor(pixels(inputs))
    nodes = next(node.args[0] for node in extractor.graph.nodes if node.op == "output")
    found, calls = {}, Counter()
    for name, output in outputs.items():
        place = nodes[name].target if nodes[name].op == "call_module" else _operation(name)
        for part, tensor in _parts(output):
            found[Site(place + part, calls[place])] = tensor
        calls[place] += any(_parts(output))
    return found


def _operation(name):
    path, _, function = name.rpartition(".")
    function = re.sub(r"_\d+$", "", function)
    return f"{path}.{function}()".lstrip(".").replace("iadd()", "add()")


def _parts(output):
    """Give the real tensors in an output, each with the index that a site carries."""
    if isinstance(output, tuple | list):
        return [(f"[{index}]", part) for index, part in enumerate(output) if _real(part)]
    return [("", output)] if _real(output) else []


def _real(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def traced(model, inputs):
    """Give the outputs of modules and operations that TorchLens finds, by our names.

    It numbers the passes of a module from 1, and gives each tensor of an operation's output a label of its own.
    """
    plain = {name: module for name, module in model.named_modules() if not _own(module)}
    with torch.no_grad(), every_module_called():
        trace = torchlens.trace(model, pixels(inputs), capture=UNWRAP)
    found, calls, numbered = {}, Counter(), {}
    for op in trace.ops:
        if not op.is_compute_op or not _real(op.out):
            continue
        for module in op.output_of_module_calls:
            path, _, number = module.rpartition(":")
            found[Site(path, int(number) - 1)] = op.out
        path = op.module.rpartition(":")[0] if op.module else ""
        if path not in plain:
            continue
        place = _operation(f"{path}.{op.func_name.strip('_')}")
        call = numbered.setdefault((place, op.func_call_id), calls[place])
        calls[place] += call == calls[place]
        part = "" if op.multi_output_index is None else f"[{op.multi_output_index}]"
        found[Site(place + part, call)] = op.out
    trace.cleanup()
    return found


def _own(module):
    return type(module).__module__.startswith("torch.nn.") and not any(module.children())
