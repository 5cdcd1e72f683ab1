"""A recipe, trained by PyTorch: what `backdraft train RECIPE.toml` is compared with.

    python recipes/pytorch.py recipes/char-rnn.toml --data learn.txt --valid held-out.txt --steps 2000

prints the mean loss on the held-out text, read as one stream, in nats per symbol. Words are what stands between white
space, with `<EOS>` for the end of a line; so that both read the same symbols, a text of words should have nothing else
in it. It knows the keys that the recipes here use, and refuses others. NT-ASGD is left out: it begins after some epochs.
"""

import argparse
import collections
import math
import random
import tomllib

import torch
from torch import nn
from torch.nn import functional as F

KNOWN = """
    task unit min_count most_words cell layers hidden last_hidden embedding tied dropout unroll batch epochs optimizer
    rms_decay momentum lr weight_decay decay valid_fraction falling clipping regularize dropping penalties windows
    averaging
""".split()


def locked(x, p, training):
    """One mask for all steps of a row: x is [time, batch, features]."""
    if not training or p == 0:
        return x
    return x * F.dropout(x.new_ones(1, x.shape[1], x.shape[2]), p)


class Model(nn.Module):
    def __init__(self, recipe, symbols):
        super().__init__()
        hidden, layers = recipe["hidden"], recipe["layers"]
        sizes = [hidden] * (layers - 1) + [recipe.get("last_hidden", hidden)]
        inputs = [recipe["embedding"]] + sizes[:-1]
        self.embedding = nn.Embedding(symbols, recipe["embedding"])
        self.layers = nn.ModuleList(nn.LSTM(i, h) for i, h in zip(inputs, sizes))
        self.output = nn.Linear(sizes[-1], symbols)
        if recipe.get("tied"):
            bound = sizes[-1] ** -0.5
            nn.init.uniform_(self.embedding.weight, -bound, bound)
            self.output.weight = self.embedding.weight
        dropout = recipe.get("dropout", 0.0)
        dropping = recipe.get("dropping", {})
        self.between = dropout
        self.symbols = dropping.get("embedding", 0.0)
        self.before = dropping.get("input", dropout)
        self.after = dropping.get("output", dropout)
        self.drop = locked if dropping.get("variational") else F.dropout
        self.connect = recipe.get("regularize", {}).get("drop_connect", 0.0)

    def forward(self, x, state):
        weight = self.embedding.weight
        if self.training and self.symbols > 0:
            weight = weight * F.dropout(weight.new_ones(len(weight), 1), self.symbols)
        h = self.drop(F.embedding(x, weight), self.before, self.training)
        after = []
        for index, layer in enumerate(self.layers):
            if index > 0:
                h = self.drop(h, self.between, self.training)
            recurrent = F.dropout(layer.weight_hh_l0, self.connect, self.training)
            weights = [layer.weight_ih_l0, recurrent, layer.bias_ih_l0, layer.bias_hh_l0]
            blank = h.new_zeros(1, x.shape[1], layer.hidden_size)
            before = state[index] if state else (blank, blank)
            h, *next_state = torch._VF.lstm(h, before, weights, True, 1, 0.0, self.training, False, False)
            after.append(tuple(next_state))
        dropped = self.drop(h, self.after, self.training)
        return self.output(dropped), after, h, dropped


def symbols_of(text, recipe):
    if recipe["unit"] == "char":
        return list(text)
    lines = text.split("\n")
    words = [word for line in lines[:-1] for word in line.split() + ["<EOS>"]]
    return words + lines[-1].split()


def vocabulary(symbols, recipe):
    counts = collections.Counter(symbols)
    known = [symbol for symbol, count in counts.most_common() if count >= recipe.get("min_count", 1)]
    return {symbol: index for index, symbol in enumerate(known[: recipe.get("most_words")])}


def read(path, recipe, known=None):
    with open(path, encoding="utf-8") as file:
        symbols = symbols_of(file.read(), recipe)
    known = known or vocabulary(symbols, recipe)
    return torch.tensor([known.get(symbol, len(known)) for symbol in symbols]), known


def lengths(recipe, steps):
    """The windows of an epoch: of one length, or of drawn ones."""
    unroll = recipe["unroll"]
    while steps > 0:
        length = unroll
        if recipe.get("windows", {}).get("drawn"):
            mean = unroll / 2 if random.random() < 0.05 else unroll
            length = max(5, round(random.gauss(mean, 5)))
        length = min(length, steps)
        yield length
        steps -= length


def optimizer_of(recipe, model):
    lr = recipe["lr"]
    if recipe["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr, alpha=recipe["rms_decay"])
    decay = recipe.get("weight_decay", 0.0)
    return torch.optim.SGD(model.parameters(), lr, momentum=recipe["momentum"], weight_decay=decay)


def rate(recipe, epoch):
    if recipe["decay"] == "constant":
        return recipe["lr"]
    falling = recipe["falling"]
    return recipe["lr"] * falling["factor"] ** max(0, epoch - falling["after"] + 1)


@torch.no_grad()
def evaluate(model, text):
    model.eval()
    state, total = None, 0.0
    for start in range(0, len(text) - 1, 256):
        window = text[start : start + 257]
        scores, state, *_ = model(window[:-1, None], state)
        total += F.cross_entropy(scores[:, 0], window[1:], reduction="sum").item()
    model.train()
    return total / (len(text) - 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--data", required=True)
    parser.add_argument("--valid", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with open(asked.recipe, "rb") as file:
        recipe = tomllib.load(file)
    unknown = set(recipe) - set(KNOWN)
    if unknown or recipe["cell"] != "lstm":
        raise SystemExit(f"{asked.recipe}: not understood here: {unknown or recipe['cell']}")

    torch.manual_seed(asked.seed)
    random.seed(asked.seed)
    text, known = read(asked.data, recipe)
    held_out, _ = read(asked.valid, recipe, known)
    model = Model(recipe, len(known) + 1)
    optimizer = optimizer_of(recipe, model)
    clipping, penalties = recipe["clipping"], recipe.get("penalties", {})
    streams = len(text) // recipe["batch"]
    text = text[: streams * recipe["batch"]].view(recipe["batch"], streams).t()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(known) + 1} symbols", flush=True)

    done, epoch, seen, total = 0, 0, 0, 0.0
    while done < asked.steps:
        at, state = 0, None
        for length in lengths(recipe, streams - 1):
            x, y = text[at : at + length], text[at + 1 : at + 1 + length]
            at += length
            scores, state, raw, dropped = model(x, state)
            state = [tuple(part.detach() for part in layer) for layer in state]
            own = F.cross_entropy(scores.flatten(0, 1), y.flatten())
            loss = own + penalties.get("activation", 0.0) * dropped.pow(2).mean()
            if len(raw) > 1:
                loss = loss + penalties.get("temporal_activation", 0.0) * (raw[1:] - raw[:-1]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            if "value" in clipping:
                nn.utils.clip_grad_value_(model.parameters(), clipping["value"])
            if "norm" in clipping:
                nn.utils.clip_grad_norm_(model.parameters(), clipping["norm"])
            drawn = length / recipe["unroll"] if recipe.get("windows", {}).get("drawn") else 1.0
            optimizer.param_groups[0]["lr"] = rate(recipe, epoch) * drawn
            optimizer.step()
            total, seen, done = total + own.item(), seen + 1, done + 1
            if done % 100 == 0:
                print(f"{done} steps, {total / seen:.4f} nats in training", flush=True)
                total, seen = 0.0, 0
            if done == asked.steps:
                break
        epoch += 1
    loss = evaluate(model, held_out)
    print(f"{loss:.4f} nats a symbol, perplexity {math.exp(loss):.2f}, {loss / math.log(2):.4f} bits a symbol")


if __name__ == "__main__":
    main()
