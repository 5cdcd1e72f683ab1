"""Trains small language models and records their loss, for pytorch.rs beside it.

    python language_model.py      (PyTorch 2.x, safetensors; writes beside this file)

The models are those of backdraft-models: embedding, recurrent stack, output, tied or not.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.manual_seed(0)
KINDS = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class Model(torch.nn.Module):
    def __init__(self, case):
        super().__init__()
        sizes = case["embedding"], case["hidden"], case["layers"]
        self.embedding = torch.nn.Embedding(case["vocabulary"], case["embedding"])
        self.recurrent = KINDS[case["cell"]](*sizes, batch_first=True)
        self.output = torch.nn.Linear(case["hidden"], case["vocabulary"])
        if case["tied"]:
            self.output.weight = self.embedding.weight

    def loss(self, symbols):
        scores = self.output(self.recurrent(self.embedding(symbols[:, :-1]))[0])
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), symbols[:, 1:].flatten())


cases, tensors = [], {}
for cell, layers, tied in [("elman", 1, False), ("lstm", 2, False), ("gru", 1, True), ("lstm", 1, True)]:
    name = f"{cell}{layers}{'tied' if tied else ''}"
    embedding = 6 if tied else 4
    case = dict(name=name, cell=cell, vocabulary=7, embedding=embedding, hidden=6, layers=layers)
    case["tied"] = tied
    # A text that can be learned: each symbol tells the next, but for some noise.
    symbols = torch.cumsum(torch.randint(1, 3, (3, 12)), 1) % 7
    model = Model(case)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(symbols).backward()
        optimizer.step()
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.double()
    cases.append(case | {"symbols": symbols.tolist(), "loss": model.loss(symbols).item()})
    tensors |= {f"{name}.{key}": tensor for key, tensor in state.items()}

save_file(tensors, here / "language_model.safetensors")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(here / "language_model.json").write_text(f"[\n{lines}\n]\n")
