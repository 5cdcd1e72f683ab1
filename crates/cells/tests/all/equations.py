"""Records what the equations of each cell give, for equations.rs beside it to be held against.

    python equations.py > equations.json        (PyTorch 2.x; any CPU, double precision)

Each cell is a plain loop over its paper's equations, differentiated by PyTorch's autograd. The LSTM
with a projection is torch.nn.LSTM itself. Parameters come in the order of the fields of the cell in
Rust. Each case: weights and inputs of few digits, then outputs, final states and the gradients of

    loss = sum(outputs * output_weights) + sum(finals * final_weights)

once forward over whole rows, and once in reverse over rows of different lengths.
"""
import json
import torch
from torch import exp, log, relu, sigmoid, tanh
from torch.nn.functional import elu, layer_norm, leaky_relu, logsigmoid, softsign

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
B, T, I, H, O = 3, 5, 3, 4, 2
EPSILON = 1e-5


def few_digits(*shape):
    return torch.round((torch.rand(*shape) * 2 - 1) * 1000) / 1000


def rounded(tensor):
    return [float(f"{v:.13g}") for v in tensor.detach().flatten().tolist()]


def gates(count, recurrent=H):
    return [(count * H, I), (count * H, recurrent), (count * H,), (count * H,)]


def both(p, x, h):
    """W x + b_W and R h + b_R."""
    return x @ p[0].T + p[2], h @ p[1].T + p[3]


def total(p, x, h):
    a, r = both(p, x, h)
    return a + r


# Each cell: parameters and state to the next state, of which the first tensor is the output.

def janet(p, x, s):
    (h,) = s
    f, g = total(p, x, h).chunk(2, 1)
    return [sigmoid(f) * h + (1 - sigmoid(f - 1)) * tanh(g)]


def mgu(p, x, s):
    (h,) = s
    W, R, b, c = [t.chunk(2) for t in p]
    f = sigmoid(x @ W[0].T + b[0] + h @ R[0].T + c[0])
    n = tanh(x @ W[1].T + b[1] + (f * h) @ R[1].T + c[1])
    return [(1 - f) * h + f * n]


def gru_before_product(p, x, s):
    (h,) = s
    W, R, b, c = [t.chunk(3) for t in p]
    r = sigmoid(x @ W[0].T + b[0] + h @ R[0].T + c[0])
    z = sigmoid(x @ W[1].T + b[1] + h @ R[1].T + c[1])
    n = tanh(x @ W[2].T + b[2] + (r * h) @ R[2].T + c[2])
    return [(1 - z) * n + z * h]


def light_gru(p, x, s):
    (h,) = s
    z, n = total(p, x, h).chunk(2, 1)
    z = sigmoid(z)
    return [z * h + (1 - z) * relu(n)]


def gru_of_onnx(p, x, s):
    """linear_before_reset, clip 0.7, HardSigmoid(0.25, 0.4) and Softsign."""
    (h,) = s
    a, r = both(p, x, h)
    (ar, az, an), (rr, rz, rn) = a.chunk(3, 1), r.chunk(3, 1)
    gate = lambda v: (0.25 * v.clamp(-0.7, 0.7) + 0.4).clamp(0, 1)
    z = gate(az + rz)
    n = softsign((an + gate(ar + rr) * rn).clamp(-0.7, 0.7))
    return [(1 - z) * n + z * h]


def elman_of_onnx(p, x, s):
    """clip 0.8 and Elu(0.7)."""
    return [elu(total(p, x, s[0]).clamp(-0.8, 0.8), alpha=0.7)]


def third_order_elman(p, x, s):
    R = p[1].chunk(3, 1)
    past = sum(h @ r.T for h, r in zip(s, R))
    return [tanh(x @ p[0].T + p[2] + past + p[3]), s[0], s[1]]


def jordan(p, x, s):
    h = tanh(total(p, x, s[0]))
    return [sigmoid(h @ p[4].T + p[5])]


def elman_jordan(p, x, s):
    o, h = s
    h = tanh(total(p, x, h) + o @ p[4].T)
    return [sigmoid(h @ p[5].T + p[6]), h]


def ind_rnn(p, x, s):
    W, u, b = p
    return [relu(x @ W.T + b + u * s[0])]


def bounded_ind_rnn(p, x, s):
    """|u| <= 0.5 as the paper has it: the weight itself is clipped, between two steps of learning."""
    p[1].data.clamp_(-0.5, 0.5)
    W, u, b = p
    return [tanh(x @ W.T + b + u * s[0])]


def peephole_lstm(p, x, s):
    h, c = s
    i, f, g, o = total(p, x, h).chunk(4, 1)
    pi, pf, po = p[4]
    c_new = sigmoid(f + pf * c) * c + sigmoid(i + pi * c) * tanh(g)
    return [sigmoid(o + po * c_new) * tanh(c_new), c_new]


def coupled_lstm(p, x, s):
    h, c = s
    i, g, o = total(p, x, h).chunk(3, 1)
    i = sigmoid(i)
    c = (1 - i) * c + i * tanh(g)
    return [sigmoid(o) * tanh(c), c]


def lstm_of_all_options(p, x, s):
    """Peepholes, coupled gates, a projection, both clips, and other activations."""
    h, c = s
    i, g, o = total(p, x, h).chunk(3, 1)
    pi, po = p[4]
    clip = lambda v: v.clamp(-0.9, 0.9)
    i = leaky_relu(clip(i + pi * c), 0.3)
    c = ((1 - i) * c + i * (1.5 * tanh(0.5 * clip(g)))).clamp(-0.6, 0.6)
    o = leaky_relu(clip(o + po * c), 0.3)
    return [(o * log(1 + exp(c))) @ p[5].T, c]


def four_gate_lstm(p, x, s):
    stm, ltm = s
    i, f, n, v = total(p, x, stm).chunk(4, 1)
    learn = tanh(n) * sigmoid(i)
    forget = ltm * sigmoid(f)
    use = tanh(forget @ p[4].T + p[5]) * sigmoid(v)
    return [use, forget + learn]


def layer_norm_lstm(p, x, s):
    W, R, b, c_bias, gain_w, gain_r, gain_c, bias_c = p
    h, c = s
    sums = layer_norm(x @ W.T, [4 * H], gain_w, b, EPSILON)
    sums = sums + layer_norm(h @ R.T, [4 * H], gain_r, c_bias, EPSILON)
    i, f, g, o = sums.chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return [sigmoid(o) * tanh(layer_norm(c, [H], gain_c, bias_c, EPSILON)), c]


def layer_norm_gru(p, x, s):
    W, R, b, c, gain_w, gain_r = p
    (h,) = s
    n = 2 * H  # r and z together, the candidate alone

    def norm(v, gain, bias):
        gates = layer_norm(v[:, :n], [n], gain[:n], bias[:n], EPSILON)
        return *gates.chunk(2, 1), layer_norm(v[:, n:], [H], gain[n:], bias[n:], EPSILON)

    xr, xz, xn = norm(x @ W.T, gain_w, b)
    hr, hz, hn = norm(h @ R.T, gain_r, c)
    z = sigmoid(xz + hz)
    return [(1 - z) * tanh(xn + sigmoid(xr + hr) * hn) + z * h]


def s_lstm(log_forget):
    def step(p, x, s):
        W, R, b = p
        h, c, n, m = s
        # [batch, head, gate, unit] to [batch, gate, head, unit]
        recurrent = torch.stack([h[:, :2] @ R[0].T, h[:, 2:] @ R[1].T], 1)
        recurrent = recurrent.reshape(B, 2, 4, 2).transpose(1, 2).reshape(B, 4 * H)
        i, f, z, o = (x @ W.T + b + recurrent).chunk(4, 1)
        f = log_forget(f)
        m_new = torch.maximum(f + m, i)
        c = exp(f + m - m_new) * c + exp(i - m_new) * tanh(z)
        n = exp(f + m - m_new) * n + exp(i - m_new)
        return [sigmoid(o) * c / n, c, n, m_new]

    return step


def unroll(step, p, x, state, lengths, reverse):
    outputs = [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        valid = (torch.tensor(lengths) > t)[:, None]
        new = step(p, x[:, t], state)
        outputs[t] = torch.where(valid, new[0], 0.0)
        state = [torch.where(valid, a, b) for a, b in zip(new, state)]
    return torch.stack(outputs, 1), state


def torch_lstm(p, x, state, lengths, reverse):
    """torch.nn.LSTM, which has no reverse direction alone: only the case forward uses it."""
    assert not reverse and lengths == [T] * B
    module = torch.nn.LSTM(I, H, batch_first=True, proj_size=O)
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    state = tuple(s[None] for s in state)
    outputs, final = torch.func.functional_call(module, dict(zip(names, p)), (x, state))
    return outputs, [s[0] for s in final]


def projected_lstm(p, x, s):
    h, c = s
    i, f, g, o = total(p, x, h).chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return [(sigmoid(o) * tanh(c)) @ p[4].T, c]


def case(name, run, shapes, widths, lengths, reverse):
    p = [few_digits(*shape).requires_grad_() for shape in shapes]
    x = few_digits(B, T, I).requires_grad_()
    initial = [few_digits(B, width) for width in widths]
    if name.startswith("s_lstm"):
        initial[2] = initial[2].abs() + 0.5  # what has been let in is above 0
    initial = [s.requires_grad_() for s in initial]
    given = [rounded(v) for v in p]
    outputs, final = run(p, x, initial, lengths or [T] * B, reverse)
    output_weights = few_digits(*outputs.shape)
    final_weights = [few_digits(*f.shape) for f in final]
    loss = (outputs * output_weights).sum()
    loss = loss + sum((f * w).sum() for f, w in zip(final, final_weights))
    loss.backward()
    return {
        "name": name, "lengths": lengths, "reverse": reverse,
        "batch": B, "time": T, "input": I,
        "parameters": given,
        "parameter_gradients": [rounded(v.grad) for v in p],
        "x": rounded(x), "x_gradient": rounded(x.grad),
        "initial": [rounded(s) for s in initial],
        "initial_gradients": [rounded(s.grad) for s in initial],
        "outputs": rounded(outputs),
        "final": [rounded(s) for s in final],
        "output_weights": rounded(output_weights),
        "final_weights": [rounded(w) for w in final_weights],
    }


def twice(step, shapes, widths, name=None):
    name = name or step.__name__
    run = lambda *arguments: unroll(step, *arguments)
    return [
        case(name, run, shapes, widths, None, False),
        case(name, run, shapes, widths, [2, 5, 1], True),
    ]


S_LSTM = [(4 * H, I), (2, 4 * H // 2, H // 2), (4 * H,)]
PROJECTED = [*gates(4, recurrent=O), (O, H)]
cases = [
    *twice(janet, gates(2), [H]),
    *twice(mgu, gates(2), [H]),
    *twice(gru_before_product, gates(3), [H]),
    *twice(light_gru, gates(2), [H]),
    *twice(gru_of_onnx, gates(3), [H]),
    *twice(elman_of_onnx, gates(1), [H]),
    *twice(third_order_elman, gates(1, recurrent=3 * H), [H, H, H]),
    *twice(jordan, [*gates(1, recurrent=O), (O, H), (O,)], [O]),
    *twice(elman_jordan, [*gates(1), (H, O), (O, H), (O,)], [O, H]),
    *twice(ind_rnn, [(H, I), (H,), (H,)], [H]),
    *twice(bounded_ind_rnn, [(H, I), (H,), (H,)], [H]),
    *twice(peephole_lstm, [*gates(4), (3, H)], [H, H]),
    *twice(coupled_lstm, gates(3), [H, H]),
    case("projected_lstm", torch_lstm, PROJECTED, [O, H], None, False),
    *twice(projected_lstm, PROJECTED, [O, H]),
    *twice(lstm_of_all_options, [*gates(3, recurrent=O), (2, H), (O, H)], [O, H]),
    *twice(four_gate_lstm, [*gates(4), (H, H), (H,)], [H, H]),
    *twice(layer_norm_lstm, [*gates(4), (4 * H,), (4 * H,), (H,), (H,)], [H, H]),
    *twice(layer_norm_gru, [*gates(3), (3 * H,), (3 * H,)], [H]),
    *twice(s_lstm(logsigmoid), S_LSTM, [H] * 4, "s_lstm"),
    *twice(s_lstm(lambda f: f), S_LSTM, [H] * 4, "s_lstm exponential"),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
