"""Records what `torch.onnx.export` writes of PyTorch's recurrent modules, and what the modules compute.

    pip install torch onnx onnxscript numpy
    python exported.py exported.zip         (some minutes; PyTorch 2.15)

The archive holds the files, and `cases.json`: for each what the module is, an input, and the outputs
of the module in double precision. All are exported with a batch of 2 and run with one of 5.

Weights are small multiples of a power of two, so that the archive is small. What the exporters note of where
they found each operation is taken out of the files: it names folders of the machine, and nobody reads it here.
"""
import contextlib
import copy
import io
import json
import logging
import os
import pathlib
import sys
import tempfile
import warnings
import zipfile

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
torch.manual_seed(0)
FOLDER = pathlib.Path(tempfile.mkdtemp())
CASES, FILES = [], []
EXPORTERS = {
    "dynamo": {"dynamo": True},
    "dynamo_inline": {"dynamo": True, "external_data": False},
    "script": {"dynamo": False},
    "script_unfolded": {"dynamo": False, "do_constant_folding": False},
}


def module(kind, inputs, units, **options):
    made = getattr(nn, kind)(inputs, units, **options).eval()
    scale = 8 if units < 16 else 32
    with torch.no_grad():
        for weights in made.parameters():
            weights.copy_(torch.randint(-3, 4, weights.shape) / scale)
    return made


def numbers(tensor):
    values = [float(f"{value:.8g}") for value in tensor.flatten().tolist()]
    return {"shape": list(tensor.shape), "values": values}


def clean(path):
    """Without notes of the source; the tensors, inside and beside, stay where they are."""
    model = onnx.load(path, load_external_data=False)
    things = [model, model.graph, *model.graph.node, *model.graph.initializer]
    things += [*model.graph.value_info, *model.graph.input, *model.graph.output]
    for thing in things:
        thing.ClearField("doc_string")
        if hasattr(thing, "metadata_props"):
            del thing.metadata_props[:]
    path.write_bytes(model.SerializeToString())


def export(name, made, exporter, free, states=False, **options):
    options = {**EXPORTERS[exporter], **options}
    batch = 0 if made.batch_first else 1
    shape = [2, 6] if made.batch_first else [6, 2]
    given = (torch.zeros(*shape, made.input_size),)
    deep = made.num_layers * (2 if made.bidirectional else 1)
    if states:
        h = torch.zeros(deep, 2, made.proj_size or made.hidden_size)
        c = torch.zeros(deep, 2, made.hidden_size)
        given += ((h, c) if isinstance(made, nn.LSTM) else h,)
    if free and options["dynamo"]:
        options["dynamic_shapes"] = ({batch: torch.export.Dim("batch")},)
    elif free:
        options.update(input_names=["x"], dynamic_axes={"x": {batch: "batch"}})
    path = FOLDER / f"{name}.onnx"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(made, given, str(path), **options)
    clean(path)
    FILES.append(path)
    data = FOLDER / f"{name}.onnx.data"
    if data.exists():
        FILES.append(data)


def case(kind, inputs, units, exporter, free=True, name="", states=False, export_options={}, **options):
    made = module(kind, inputs, units, **options)
    both = options.get("bidirectional", False)
    words = [kind.lower(), str(units), str(made.num_layers) + ("_both" if both else ""), exporter]
    name = "_".join(words + ["free" if free else "fixed"] + ([name] if name else []))
    export(name, made, exporter, free, states, **export_options)
    x = torch.randint(-8, 9, (4, 5, inputs)).double() / 8
    deep = made.num_layers * (2 if both else 1)
    initial = torch.randint(-8, 9, (2, deep, 5, units)).double() / 8 if states else None
    with torch.no_grad():
        double = copy.deepcopy(made).double()
        given = x.swapaxes(0, 1) if made.batch_first else x
        state = None
        if states:
            state = (initial[0], initial[1]) if kind == "LSTM" else initial[0]
        y, final = double(given, state)
    h, c = final if kind == "LSTM" else (final, None)
    CASES.append({
        "name": name,
        "kind": kind,
        "layers": made.num_layers,
        "directions": 2 if both else 1,
        "x": numbers(x),
        "h0": numbers(initial[0]) if states else None,
        "c0": numbers(initial[1]) if states and kind == "LSTM" else None,
        "y": numbers(y.swapaxes(0, 1) if made.batch_first else y),
        "h": numbers(h),
        "c": None if c is None else numbers(c),
    })


def main():
    scripts = ["script", "script_unfolded"]
    for kind in ["RNN", "LSTM", "GRU"]:
        # The default exporter writes an nn.RNN as products, step by step.
        exporters = scripts if kind == "RNN" else list(EXPORTERS)
        for layers, both in [(1, False), (1, True), (2, False), (2, True)]:
            options = {"num_layers": layers, "bidirectional": both}
            for exporter in exporters:
                for free in [True, False]:
                    case(kind, 3, 4, exporter, free, **options)
        for exporter in exporters:
            case(kind, 8, 64, exporter, exporter != "dynamo_inline")
        for exporter in ["dynamo", "script_unfolded"]:
            if exporter in exporters:
                case(kind, 8, 64, exporter, num_layers=2, bidirectional=True)
    case("LSTM", 64, 128, "dynamo", free=False)
    for exporter in ["dynamo", "script", "script_unfolded"]:
        case("LSTM", 3, 4, exporter, name="batch_first", batch_first=True)
        case("GRU", 3, 3, exporter, name="no_bias", bias=False)
        case("LSTM", 3, 4, exporter, free=False, name="states", states=True, num_layers=2)
    case("RNN", 3, 3, "script_unfolded", name="relu", nonlinearity="relu")
    # Slice, Squeeze and Unsqueeze had attributes for what are inputs since 10 and 13.
    for version in [9, 12]:
        case("LSTM", 3, 4, "script_unfolded", name=f"set_{version}", bidirectional=True,
             export_options={"opset_version": version})
    # Not to be read: an nn.RNN without a recurrent node, and projections, of which the default exporter takes
    # the wrong rows (and the other none at all).
    export("rnn_dynamo", module("RNN", 3, 4), "dynamo", free=True)
    for free in [True, False]:
        export(f"projection_{free}".lower(), module("LSTM", 3, 4, proj_size=2), "dynamo", free)
    export("projection_64", module("LSTM", 8, 64, proj_size=16), "dynamo", free=True)
    deep = module("LSTM", 3, 4, proj_size=2, num_layers=2, bidirectional=True)
    export("projection_deep", deep, "dynamo", free=True)
    export("projection_states", module("LSTM", 3, 4, proj_size=2), "dynamo", free=False, states=True)

    cases = FOLDER / "cases.json"
    cases.write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in FILES + [cases]:
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"{len(CASES)} cases, {os.path.getsize(sys.argv[1])} bytes")


main()
