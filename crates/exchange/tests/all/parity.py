"""Records what PyTorch computes for 200 modules drawn at random, for parity.rs beside it.

    python parity.py parity.safetensors        (PyTorch 2.x, numpy, safetensors; any CPU)

Everything that goes in is a multiple of 1/128, so that half precision holds it exactly; PyTorch
computes in double precision. Of each case `n`:

    n.rnn.*       the module's state_dict()
    n.x           [batch, time, input]
    n.initial.*   h and c (LSTM) of [layers * directions, batch, units]; absent when not given
    n.weights     of the loss, one after the other: of the outputs, of the final h, of the final c
    n.results     outputs, final h, final c; then the gradients of x, of the initial h and c, and
                  of each parameter in alphabetical order

    loss = sum(outputs * weights) + sum(finals * weights)

`cases` is JSON: what each module was built with. Cases with lengths go through
pack_padded_sequence.
"""
import json
import random
import sys

import numpy
import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
random.seed(0)
KINDS = {"tanh": torch.nn.RNN, "relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def grid(*shape, bound=1.0):
    return torch.round((torch.rand(*shape) * 2 - 1) * bound * 128) / 128


def draw():
    kind = random.choice(["tanh", "relu", "lstm", "lstm", "gru", "gru"])
    batch, time = random.randint(1, 5), random.randint(1, 9)
    hidden = random.randint(1, 9)
    projected = kind == "lstm" and hidden > 1 and random.random() < 0.5
    padded = random.random() < 0.5
    return {
        "kind": kind,
        "batch": batch,
        "time": time,
        "input": random.randint(1, 7),
        "hidden": hidden,
        "projection": random.randint(1, hidden - 1) if projected else None,
        "layers": random.randint(1, 3),
        "bidirectional": random.random() < 0.5,
        "bias": random.random() < 0.75,
        "lengths": [random.randint(1, time) for _ in range(batch)] if padded else None,
        "initial": random.random() < 0.5,
    }


def build(case):
    options = {}
    if case["projection"]:
        options["proj_size"] = case["projection"]
    if case["kind"] == "relu":
        options["nonlinearity"] = "relu"
    module = KINDS[case["kind"]](
        case["input"],
        case["hidden"],
        case["layers"],
        bias=case["bias"],
        bidirectional=case["bidirectional"],
        batch_first=True,
        **options,
    )
    for parameter in module.parameters():
        parameter.data = grid(*parameter.shape, bound=case["hidden"] ** -0.5)
    return module


def run(module, case):
    lstm = case["kind"] == "lstm"
    x = grid(case["batch"], case["time"], case["input"]).requires_grad_()
    cells = case["layers"] * (2 if case["bidirectional"] else 1)
    initial = {}
    if case["initial"]:
        output = case["projection"] or case["hidden"]
        initial["h"] = grid(cells, case["batch"], output).requires_grad_()
        if lstm:
            initial["c"] = grid(cells, case["batch"], case["hidden"]).requires_grad_()
    state = tuple(initial.values()) if lstm else initial.get("h")
    state = state if initial else None
    if case["lengths"] is None:
        outputs, final = module(x, state)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(case["lengths"]), batch_first=True, enforce_sorted=False
        )
        outputs, final = module(packed, state)
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(
            outputs, batch_first=True, total_length=case["time"]
        )
    shown = [outputs, *(final if lstm else [final])]
    weights = [grid(*tensor.shape) for tensor in shown]
    sum((tensor * weight).sum() for tensor, weight in zip(shown, weights)).backward()
    parameters = dict(module.named_parameters())
    learned = [x, *initial.values(), *(parameters[name] for name in sorted(parameters))]
    flat = lambda tensors: torch.cat([tensor.detach().flatten() for tensor in tensors])
    half = {"x": x, "weights": flat(weights)}
    half |= {f"initial.{name}": tensor for name, tensor in initial.items()}
    half |= {f"rnn.{name}": tensor for name, tensor in module.state_dict().items()}
    results = flat([*shown, *(tensor.grad for tensor in learned)]).float()
    return {name: tensor.detach().half() for name, tensor in half.items()} | {"results": results}


cases, tensors = [], {}
for n in range(200):
    case = draw()
    parts = run(build(case), case)
    cases.append(case)
    tensors |= {f"{n}.{name}": tensor.contiguous() for name, tensor in parts.items()}
text = json.dumps(cases, separators=(",", ":")).encode()
tensors["cases"] = torch.from_numpy(numpy.frombuffer(text, dtype=numpy.uint8).copy())
save_file(tensors, sys.argv[1])
