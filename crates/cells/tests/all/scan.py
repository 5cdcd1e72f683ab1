"""Records what PyTorch computes with cells that it does not have, for scan.rs beside it to be held
against.

    python scan.py > scan.json        (PyTorch 2.x; any CPU, double precision)

Each case is a loop over each row alone, one step after the other, written from the papers'
equations; then outputs, final states and the gradients of

    loss = sum(outputs * output_weights) + sum(finals * final_weights)

Parameters are in the order of the cell's fields.
"""
import json
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
B, T, I, H, O = 3, 5, 3, 2, 4
FRAME, KERNEL = (2, 3), (3, 5)


def few_digits(*shape):
    return torch.round((torch.rand(*shape) * 2 - 1) * 1000) / 1000


def rounded(tensor):
    return [float(f"{v:.13g}") for v in tensor.detach().flatten().tolist()]


def g(x):
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


def min_gru(candidate):
    def step(p, x, state):
        z, c = (p["weight"] @ x + p["bias"]).chunk(2)
        z = torch.sigmoid(z)
        h = (1 - z) * state[0] + z * candidate(c)
        return h, [h]
    return step


def min_lstm(candidate):
    def step(p, x, state):
        f, i, c = (p["weight"] @ x + p["bias"]).chunk(3)
        f, i = torch.sigmoid(f), torch.sigmoid(i)
        h = f / (f + i) * state[0] + i / (f + i) * candidate(c)
        return h, [h]
    return step


def lru(p, x, state):
    lam = torch.exp(torch.complex(-torch.exp(p["nu"]), torch.exp(p["theta"])))
    b = torch.complex(p["b_re"], p["b_im"])
    c = torch.complex(p["c_re"], p["c_im"])
    h = lam * torch.complex(state[1], state[2])
    h = h + torch.exp(p["gamma"]) * (b @ x.to(torch.complex128))
    y = (c @ h).real + p["d"] @ x
    return y, [y, h.real, h.imag]


def conv_lstm(p, x, state):
    shape = (1, -1, *FRAME)
    conv = torch.nn.functional.conv2d
    pad = [k // 2 for k in KERNEL]
    gates = conv(x.view(shape), p["w_x"], p["b"], padding=pad)
    gates = gates + conv(state[0].view(shape), p["w_h"], padding=pad)
    i, f, g, o = gates[0].chunk(4)
    look = lambda name, c: (p[name] * c).view(-1, *FRAME)
    c = state[1].view(-1, *FRAME)
    i = torch.sigmoid(i + look("p_i", state[1]))
    f = torch.sigmoid(f + look("p_f", state[1]))
    c = f * c + i * torch.tanh(g)
    o = torch.sigmoid(o + look("p_o", c.flatten()))
    h = (o * torch.tanh(c)).flatten()
    return h, [h, c.flatten()]


def case(name, step, shapes, states, width, reverse, lengths, I=I):
    p = {k: few_digits(*shape).requires_grad_() for k, shape in shapes.items()}
    x = few_digits(B, T, I).requires_grad_()
    initial = [few_digits(B, s).requires_grad_() for s in states]
    outputs, finals = [], [[] for _ in states]
    for row in range(B):
        length = T if lengths is None else lengths[row]
        state = [s[row] for s in initial]
        shown = [torch.zeros(width)] * T
        for t in reversed(range(length)) if reverse else range(length):
            shown[t], state = step(p, x[row, t], state)
        outputs.append(torch.stack(shown))
        for final, s in zip(finals, state):
            final.append(s)
    outputs, finals = torch.stack(outputs), [torch.stack(f) for f in finals]
    output_weights = few_digits(*outputs.shape)
    final_weights = [few_digits(*f.shape) for f in finals]
    loss = (outputs * output_weights).sum()
    loss = loss + sum((f * w).sum() for f, w in zip(finals, final_weights))
    loss.backward()
    gradient = lambda t: rounded(torch.zeros_like(t) if t.grad is None else t.grad)
    return {
        "name": name, "reverse": reverse, "lengths": lengths,
        "parameters": [rounded(v) for v in p.values()],
        "parameter_gradients": [gradient(v) for v in p.values()],
        "x": rounded(x), "x_gradient": gradient(x),
        "initial": [rounded(s) for s in initial],
        "initial_gradients": [gradient(s) for s in initial],
        "outputs": rounded(outputs), "final": [rounded(f) for f in finals],
        "output_weights": rounded(output_weights),
        "final_weights": [rounded(w) for w in final_weights],
    }


cells = {
    "min_gru": (min_gru(lambda c: c), {"weight": (2 * H, I), "bias": (2 * H,)}, [H], H),
    "min_gru positive": (min_gru(g), {"weight": (2 * H, I), "bias": (2 * H,)}, [H], H),
    "min_lstm": (min_lstm(lambda c: c), {"weight": (3 * H, I), "bias": (3 * H,)}, [H], H),
    "min_lstm positive": (min_lstm(g), {"weight": (3 * H, I), "bias": (3 * H,)}, [H], H),
    "lru": (
        lru,
        {
            "nu": (H,), "theta": (H,), "gamma": (H,), "b_re": (H, I), "b_im": (H, I),
            "c_re": (O, H), "c_im": (O, H), "d": (O, I),
        },
        [O, H, H],
        O,
    ),
}
cases = [
    case(name, *cell, reverse, lengths)
    for name, cell in cells.items()
    for reverse in [False, True]
    for lengths in [None, [2, 0, 5]]
]
area = FRAME[0] * FRAME[1]
cases += [
    case(
        "conv_lstm",
        conv_lstm,
        {
            "w_x": (8, 2, *KERNEL), "b": (8,), "w_h": (8, 2, *KERNEL),
            "p_i": (2 * area,), "p_f": (2 * area,), "p_o": (2 * area,),
        },
        [2 * area, 2 * area],
        2 * area,
        reverse,
        lengths,
        I=2 * area,
    )
    for reverse in [False, True]
    for lengths in [None, [2, 0, 5]]
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
