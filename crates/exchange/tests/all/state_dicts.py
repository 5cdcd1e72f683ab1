"""Writes state dicts of one module in each kind of file, for pytorch.rs beside it.

    python state_dicts.py      (PyTorch 2.x, safetensors; writes beside this file)

All hold the same numbers, multiples of 1/128, so that every type of theirs holds them exactly.

    tagger.safetensors     as safetensors.torch writes it
    tagger_nested.pt       {"epoch", "model": state_dict, "optimizer": of Adam}: an archive
    tagger_legacy.pth      the same, as torch.save wrote it before PyTorch 1.6
    tagger_mixed.pt        weights in bfloat16, half and double precision
"""
import pathlib

import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.manual_seed(0)


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Module()
        self.encoder.rnn = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
        self.head = torch.nn.Linear(8, 5)


tagger = Tagger()
for parameter in tagger.parameters():
    parameter.data = torch.round((torch.rand(parameter.shape) * 2 - 1) * 128) / 128
optimizer = torch.optim.Adam(tagger.parameters())
loss = tagger.head(tagger.encoder.rnn(torch.ones(2, 1, 3))[0]).sum()
loss.backward()
state = tagger.state_dict()
# One step, so that the optimiser has tensors of its own; the weights saved are those before it.
before = {name: tensor.clone() for name, tensor in state.items()}
optimizer.step()
checkpoint = {"epoch": 3, "model": before, "optimizer": optimizer.state_dict()}

save_file(before, here / "tagger.safetensors")
torch.save(checkpoint, here / "tagger_nested.pt")
torch.save(checkpoint, here / "tagger_legacy.pth", _use_new_zipfile_serialization=False)
types = [torch.bfloat16, torch.float16, torch.float64]
mixed = {name: tensor.to(types[n % 3]) for n, (name, tensor) in enumerate(before.items())}
torch.save(mixed, here / "tagger_mixed.pt")
