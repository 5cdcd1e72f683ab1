"""Writes state dicts of one LSTM in what people wrap it in, for wrapped.rs beside it.

    python wrapped.py wrapped.safetensors        (PyTorch 2.x, safetensors)

Each tensor is called `case:name`, name being that in the state dict of the case:

    plain          nn.Sequential-like module with the LSTM as `encoder.rnn` and a Linear as `head`
    compiled       torch.compile of it
    part_compiled  of its LSTM alone
    parallel       nn.DataParallel of it
    both           torch.compile of nn.DataParallel of it
    dropped        WeightDrop of the LSTM, as AWD-LSTM has it, after a run: beside each `_raw` a dropped-out copy
    dropped_old    the same without the copy, as its first versions were saved
    old_norm       torch.nn.utils.weight_norm of recurrent weights, by rows
    norm           torch.nn.utils.parametrizations.weight_norm, by rows, by columns and of the whole
    spectral       torch.nn.utils.parametrizations.spectral_norm, which is not read
    stack          two bidirectional layers as modules of their own, `rnns.0` and `rnns.1`

`old_norm=:name` and `norm=:name` are the weights that PyTorch makes of the norms.
"""
import copy
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import weight_norm as old_weight_norm
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

torch.manual_seed(0)


class WeightDrop(nn.Module):
    """Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", arXiv 1708.02182."""

    def __init__(self, module, names, dropout):
        super().__init__()
        self.module, self.names, self.dropout = module, names, dropout
        for name in names:
            weight = getattr(module, name)
            del module._parameters[name]
            self.register_parameter(name + "_raw", nn.Parameter(weight.data))

    def forward(self, *given):
        for name in self.names:
            raw = getattr(self, name + "_raw")
            dropped = nn.functional.dropout(raw, p=self.dropout, training=True)
            setattr(self.module, name, nn.Parameter(dropped))
        return self.module(*given)


def module():
    made = nn.Module()
    made.encoder = nn.Module()
    made.encoder.rnn = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    made.head = nn.Linear(8, 5)
    return made


plain = module()
for parameter in plain.parameters():
    parameter.data = torch.round((torch.rand(parameter.shape) * 2 - 1) * 128) / 128
cases = {"plain": plain.state_dict()}

cases["compiled"] = torch.compile(copy.deepcopy(plain)).state_dict()
part = copy.deepcopy(plain)
part.encoder.rnn = torch.compile(part.encoder.rnn)
cases["part_compiled"] = part.state_dict()
cases["parallel"] = nn.DataParallel(copy.deepcopy(plain)).state_dict()
cases["both"] = torch.compile(nn.DataParallel(copy.deepcopy(plain))).state_dict()

recurrent = [name for name, _ in plain.encoder.rnn.named_parameters() if "weight_hh" in name]
dropped = copy.deepcopy(plain)
dropped.encoder.rnn = WeightDrop(dropped.encoder.rnn, recurrent, 0.5)
cases["dropped_old"] = dropped.state_dict()
dropped.encoder.rnn(torch.ones(2, 1, 3))
cases["dropped"] = dropped.state_dict()

norm = copy.deepcopy(plain)
for index, name in enumerate(recurrent):
    weight_norm(norm.encoder.rnn, name, dim=[0, 1, None][index % 3])
    if index % 3 == 0:
        # Else the product would be the weight that was.
        norm.encoder.rnn.parametrizations[name].original0.data *= 1.5
cases["norm"] = norm.state_dict()
cases["norm="] = {name: getattr(norm.encoder.rnn, name) for name in recurrent}
old_norm = copy.deepcopy(plain)
for name in recurrent:
    old_weight_norm(old_norm.encoder.rnn, name)
    old_norm.encoder.rnn._parameters[name + "_g"].data *= 0.75
cases["old_norm"] = old_norm.state_dict()
rnn = old_norm.encoder.rnn
cases["old_norm="] = {
    name: torch._weight_norm(getattr(rnn, name + "_v"), getattr(rnn, name + "_g"), 0) for name in recurrent
}
spectral = copy.deepcopy(plain)
spectral_norm(spectral.encoder.rnn, "weight_hh_l1")
cases["spectral"] = spectral.state_dict()

stack = nn.Module()
stack.rnns = nn.ModuleList([nn.LSTM(size, 4, bidirectional=True) for size in [3, 8]])
for level, rnn in enumerate(stack.rnns):
    for name, weight in rnn.named_parameters():
        weight.data = getattr(plain.encoder.rnn, name.replace("_l0", f"_l{level}")).data.clone()
cases["stack"] = stack.state_dict()

tensors = {}
for case, state in cases.items():
    tensors |= {f"{case}:{name}": tensor.detach().clone().contiguous() for name, tensor in state.items()}
save_file(tensors, sys.argv[1])
