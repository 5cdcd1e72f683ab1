"""The same language model in PyTorch: same text, batches, initialisation scheme, optimiser,
schedule, clipping and number of steps as a run of `backdraft train lm`.

    backdraft train lm --data TEXT --out RUN ..
    python language_model.py RUN TEXT          (PyTorch 2.x, on the CPU)

Prints one JSON object: both validation losses (nats a symbol), and PyTorch's time.

    --save FILE         keeps the weights last trained, a state dict for `backdraft import`
    --weights FILE      trains nothing: the loss of what `backdraft export` wrote (safetensors)
"""
import argparse
import json
import math
import pathlib
import sys
import time
import tomllib

import torch

parser = argparse.ArgumentParser()
parser.add_argument("run", type=pathlib.Path)
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--save")
parser.add_argument("--weights")
arguments = parser.parse_args()
run, data = arguments.run, arguments.data
description = tomllib.loads((run / "run.toml").read_text())
ours = json.loads((run / "result.json").read_text())
s = description
if s["unit"] != "char" or s["adaptive"]:
    sys.exit("expected a run by character with a full softmax, as this file has no other")
torch.manual_seed(s["seed"])

# The text: the end is held out, symbol 0 is the unknown character.
read = lambda path: path.read_bytes().decode("utf-8")
text = read(data)
held_out = read(run / "held-out.txt")
assert text.endswith(held_out), "the text is not the one that the run learned from"
learn = text[: len(text) - len(held_out)]
assert len(learn) == description["made"]["characters"]
symbols = {c: i + 1 for i, c in enumerate(sorted(set(learn) - {"\ufffd"}))}
encode = lambda part: torch.tensor([symbols.get(c, 0) for c in part])


def windows(part, batch, unroll, at_most):
    """Parallel streams, cut into windows: (inputs, targets) of [batch, time]."""
    part = encode(part)
    if at_most:
        steps = len(part) - 1
        batch, unroll = min(batch, max(steps // unroll, 1)), min(unroll, max(steps, 1))
    steps = (len(part) - 1) // batch
    inputs = part[: steps * batch].view(batch, steps)
    targets = part[1 : steps * batch + 1].view(batch, steps)
    return [
        (inputs[:, t : t + unroll], targets[:, t : t + unroll]) for t in range(0, steps, unroll)
    ]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        kind = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[s["cell"]]
        dropout = s["dropout"] if s["layers"] > 1 else 0.0
        self.embedding = torch.nn.Embedding(len(symbols) + 1, s["embedding"])
        self.recurrent = kind(
            s["embedding"], s["hidden"], s["layers"], batch_first=True, dropout=dropout
        )
        self.dropout = torch.nn.Dropout(s["dropout"])
        self.output = torch.nn.Linear(s["hidden"], len(symbols) + 1)
        if s["tied"]:
            self.output.weight = self.embedding.weight

    def forward(self, x, state):
        hidden, state = self.recurrent(self.dropout(self.embedding(x)), state)
        return self.output(self.dropout(hidden)), state


def detach(state):
    return tuple(t.detach() for t in state) if isinstance(state, tuple) else state.detach()


model = Model()
if s["tied"]:
    torch.nn.init.uniform_(model.output.weight, -(s["hidden"] ** -0.5), s["hidden"] ** -0.5)
parameters = sum(p.numel() for p in model.parameters())
assert parameters == ours["parameters"], (parameters, ours["parameters"])
if s["optimizer"] == "adam":
    optimizer = torch.optim.Adam(model.parameters(), lr=s["lr"])
else:
    optimizer = torch.optim.SGD(model.parameters(), lr=s["lr"], momentum=s["momentum"])


def rate(step, steps):
    if step < s["warmup"]:
        return s["lr"] * (step + 1) / s["warmup"]
    end, part = s["lr"] / 100, (step - s["warmup"]) / max(steps - s["warmup"], 1)
    fall = {
        "constant": s["lr"],
        "cosine": end + (s["lr"] - end) * (1 + math.cos(math.pi * part)) / 2,
        "linear": end + (s["lr"] - end) * (1 - part),
    }
    return fall[s["decay"]]


training = windows(learn, s["batch"], s["unroll"], at_most=False)
valid = windows(held_out, s["batch"], s["unroll"], at_most=True)
loss_of = torch.nn.functional.cross_entropy


def validation():
    model.eval()
    total, count, state = 0.0, 0, None
    with torch.no_grad():
        for x, y in valid:
            scores, state = model(x, state)
            total += loss_of(scores.flatten(0, 1), y.flatten(), reduction="sum").item()
            count += y.numel()
    model.train()
    return total / count


if arguments.weights:
    from safetensors.torch import load_file

    model.load_state_dict(load_file(arguments.weights), strict=True)
    print(json.dumps({"pytorch": validation(), "backdraft": ours["loss"]}))
    sys.exit()

start, step, best = time.time(), 0, math.inf
while step < ours["steps"]:
    state = None
    for x, y in training:
        if step == ours["steps"]:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate(step, ours["steps"])
        scores, state = model(x, state)
        state = detach(state)
        loss = loss_of(scores.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        if s["clipping"].get("value") is not None:
            torch.nn.utils.clip_grad_value_(model.parameters(), s["clipping"].get("value"))
        if s["clipping"].get("norm") is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), s["clipping"].get("norm"))
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"{step}/{ours['steps']}  loss {loss.item():.4f}", file=sys.stderr)
    best = min(best, validation())

if arguments.save:
    torch.save(model.state_dict(), arguments.save)

print(json.dumps({
    "pytorch": best,
    "backdraft": ours["loss"],
    "difference_percent": 100 * (ours["loss"] / best - 1),
    "steps": step,
    "pytorch_seconds": time.time() - start,
    "backdraft_seconds": ours["seconds"],
}))
