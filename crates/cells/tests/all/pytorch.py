"""Records what PyTorch computes, for pytorch.rs beside it to be held against.

    python pytorch.py > pytorch.json        (PyTorch 2.x; any CPU, double precision)

Each case: weights and inputs of few digits, then outputs, final states and the gradients of

    loss = sum(outputs * output_weights) + sum(finals * final_weights)

Padded cases go through pack_padded_sequence. PyTorch has no sigmoid RNN: that case is a loop.
"""
import json
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
B, T, I, H = 3, 5, 3, 2


def few_digits(*shape):
    return torch.round((torch.rand(*shape) * 2 - 1) * 1000) / 1000


def rounded(tensor):
    return [float(f"{v:.13g}") for v in tensor.detach().flatten().tolist()]


class SigmoidRnn(torch.nn.RNN):
    """One forward layer of h = sigmoid(W x + b + R h + c)."""

    def forward(self, x, h0):
        h, outputs = h0[0], []
        for t in range(x.shape[1]):
            h = torch.sigmoid(
                x[:, t] @ self.weight_ih_l0.T + self.bias_ih_l0
                + h @ self.weight_hh_l0.T + self.bias_hh_l0
            )
            outputs.append(h)
        return torch.stack(outputs, 1), h[None]


def case(name, module, lengths=None):
    lstm = isinstance(module, torch.nn.LSTM)
    layers = module.num_layers * (2 if module.bidirectional else 1)
    for parameter in module.parameters():
        parameter.data = few_digits(*parameter.shape)
    x = few_digits(B, T, I).requires_grad_()
    initial = [few_digits(layers, B, H).requires_grad_() for _ in range(2 if lstm else 1)]
    state = tuple(initial) if lstm else initial[0]
    if lengths is None:
        outputs, final = module(x, state)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        outputs, final = module(packed, state)
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(
            outputs, batch_first=True, total_length=T
        )
    final = list(final) if lstm else [final]
    output_weights = few_digits(*outputs.shape)
    final_weights = [few_digits(*f.shape) for f in final]
    loss = (outputs * output_weights).sum()
    loss = loss + sum((f * w).sum() for f, w in zip(final, final_weights))
    loss.backward()
    return {
        "name": name,
        "layers": module.num_layers,
        "bidirectional": module.bidirectional,
        "lengths": lengths,
        "batch": B, "time": T, "input": I, "hidden": H,
        "parameters": {k: rounded(v) for k, v in module.named_parameters()},
        "parameter_gradients": {k: rounded(v.grad) for k, v in module.named_parameters()},
        "x": rounded(x), "x_gradient": rounded(x.grad),
        "initial": [rounded(s) for s in initial],
        "initial_gradients": [rounded(s.grad) for s in initial],
        "outputs": rounded(outputs),
        "final": [rounded(s) for s in final],
        "output_weights": rounded(output_weights),
        "final_weights": [rounded(w) for w in final_weights],
        "loss": float(loss.detach()),
    }


def both(name, module, **options):
    deep = dict(num_layers=2, bidirectional=True, batch_first=True, **options)
    return [
        case(name, module(I, H, batch_first=True, **options)),
        case(name, module(I, H, **deep)),
        case(name, module(I, H, **deep), lengths=[2, 5, 1]),
    ]


cases = [
    *both("elman tanh", torch.nn.RNN),
    *both("elman relu", torch.nn.RNN, nonlinearity="relu"),
    case("elman sigmoid", SigmoidRnn(I, H, batch_first=True)),
    *both("lstm", torch.nn.LSTM),
    *both("gru", torch.nn.GRU),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
