"""What a run of `backdraft train TASK` and its peer in PyTorch share: options, batches, rate, steps, evaluation."""
import argparse
import json
import math
import pathlib
import random
import sys
import time
import tomllib

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

KINDS = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class Run:
    """A finished run: what was asked for, what is known of its examples, and what came of it."""

    def __init__(self, task):
        parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
        parser.add_argument("run", type=pathlib.Path)
        parser.add_argument("data", type=pathlib.Path, help="what the run learned from")
        parser.add_argument("valid", type=pathlib.Path, help="what was held out, by --valid")
        parser.add_argument("--weights", help="train nothing: measure what `backdraft export` wrote")
        parser.add_argument("--save", help="keep the best weights, for `backdraft import`")
        self.files = parser.parse_args()
        read = lambda name: (self.files.run / name).read_text()
        self.asked = tomllib.loads(read("run.toml"))
        self.known = json.loads(read("task.json"))
        self.result = json.loads(read("result.json"))
        if self.asked["task"] != task or self.asked["cell"] not in KINDS:
            sys.exit(f"expected a run of `train {task}` with --cell elman, lstm or gru")
        torch.manual_seed(self.asked["seed"])

    def recurrent(self, features, hidden, layers, both):
        kind, dropout = KINDS[self.asked["cell"]], self.asked["dropout"] if layers > 1 else 0.0
        return kind(features, hidden, layers, batch_first=True, dropout=dropout, bidirectional=both)

    def rate(self, step, steps):
        asked = self.asked
        if step < asked["warmup"]:
            return asked["lr"] * (step + 1) / asked["warmup"]
        end, part = asked["lr"] / 100, (step - asked["warmup"]) / max(steps - asked["warmup"], 1)
        fall = {
            "constant": asked["lr"],
            "cosine": end + (asked["lr"] - end) * (1 + math.cos(math.pi * part)) / 2,
            "linear": end + (asked["lr"] - end) * (1 - part),
        }
        return fall[asked["decay"]]

    def batches(self, lengths, epoch):
        """Rows of similar length, in an order that the seed and the epoch decide."""
        order = random.Random(f"{self.asked['seed']} {epoch}")
        rows = list(range(len(lengths)))
        order.shuffle(rows)
        rows.sort(key=lambda row: -lengths[row])
        size = self.asked["batch"]
        batches = [rows[at : at + size] for at in range(0, len(rows), size)]
        order.shuffle(batches)
        return batches

    def train(self, model, lengths, loss_of, measure):
        """Trains as the run was; `loss_of` some rows, `measure` gives figures, the one that counts first."""
        files, steps = self.files, self.result["steps"]
        figures = sum(parameter.numel() for parameter in model.parameters())
        assert figures == self.result["parameters"], (figures, self.result["parameters"])
        if files.weights:
            from safetensors.torch import load_file

            model.load_state_dict(load_file(files.weights), strict=True)
            return self.tell(measure(model.eval()), None, None)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.asked["lr"])
        start, step, best, kept, learning = time.time(), 0, None, None, 0.0
        for epoch in range(steps):
            began = time.time()
            model.train()
            for rows in self.batches(lengths, epoch):
                if step == steps:
                    break
                for group in optimizer.param_groups:
                    group["lr"] = self.rate(step, steps)
                optimizer.zero_grad()
                loss_of(model, rows).backward()
                norm = self.asked["clipping"].get("norm")
                if norm is not None:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), norm)
                optimizer.step()
                step += 1
            learning += time.time() - began
            with torch.no_grad():
                found = measure(model.eval())
            print(f"epoch {epoch + 1}: {found}", file=sys.stderr)
            if best is None or next(iter(found.values())) > next(iter(best.values())):
                best, kept = found, {k: v.clone() for k, v in model.state_dict().items()}
            if step == steps:
                break
        model.load_state_dict(kept)
        if files.save:
            torch.save(kept, files.save)
        return self.tell(best, time.time() - start, len(lengths) * (step / len(self.batches(lengths, 0))))

    def tell(self, best, seconds, sequences):
        told = {"pytorch": best, "backdraft": {name: self.result[name] for name in best}}
        if seconds is not None:
            ours, theirs = self.result["positions_per_second"], sequences / seconds
            told |= {"pytorch_per_second": theirs, "backdraft_per_second": ours, "ratio": ours / theirs}
        print(json.dumps(told, indent=1))


def padded(rows):
    lengths = torch.tensor([len(row) for row in rows])
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True), lengths


def mask(lengths):
    return torch.arange(int(lengths.max()))[None, :] < lengths[:, None]


def outputs_of(recurrent, inputs, lengths):
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    outputs, state = recurrent(packed)
    return pad_packed_sequence(outputs, batch_first=True)[0], state
