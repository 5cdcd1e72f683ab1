"""Keras's SimpleRNN, LSTM and GRU in numpy, after its documentation, for keras.rs beside it.

    python keras.py > keras.json        (numpy; double precision)

Arrays are those of `get_weights()`: kernel, recurrent_kernel, bias. Equations are those of Keras's
cells in Keras's own gate order, written out here and nowhere else.
"""
import json

import numpy as np

random = np.random.default_rng(0)
B, T, I, H = 2, 4, 3, 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def few_digits(*shape):
    return np.round(random.uniform(-1, 1, shape), 3)


def simple_rnn(x, kernel, recurrent, bias):
    h = np.zeros((B, H))
    for t in range(T):
        h = np.tanh(x[:, t] @ kernel + bias + h @ recurrent)
        yield h


def lstm(x, kernel, recurrent, bias):
    h, c = np.zeros((B, H)), np.zeros((B, H))
    for t in range(T):
        z = x[:, t] @ kernel + h @ recurrent + bias
        i, f, candidate, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        yield h


def gru(x, kernel, recurrent, bias, reset_after):
    h = np.zeros((B, H))
    input_bias, recurrent_bias = bias if reset_after else (bias, np.zeros(3 * H))
    z_part, r_part, h_part = (slice(k * H, (k + 1) * H) for k in range(3))
    for t in range(T):
        x_all = x[:, t] @ kernel + input_bias
        if reset_after:
            h_all = h @ recurrent + recurrent_bias
            z = sigmoid(x_all[:, z_part] + h_all[:, z_part])
            r = sigmoid(x_all[:, r_part] + h_all[:, r_part])
            candidate = np.tanh(x_all[:, h_part] + r * h_all[:, h_part])
        else:
            z = sigmoid(x_all[:, z_part] + h @ recurrent[:, z_part])
            r = sigmoid(x_all[:, r_part] + h @ recurrent[:, r_part])
            candidate = np.tanh(x_all[:, h_part] + (r * h) @ recurrent[:, h_part])
        h = z * h + (1 - z) * candidate
        yield h


def run(cell, x, weights, bias_shape, **options):
    kernel, recurrent, *bias = weights
    bias = bias[0] if bias else np.zeros(bias_shape)
    return np.stack(list(cell(x, kernel, recurrent, bias, **options)), 1)


def case(name, cell, gates, bias_shape, use_bias=True, bidirectional=False, **options):
    x = few_digits(B, T, I)

    def draw():
        weights = [few_digits(I, gates * H), few_digits(H, gates * H)]
        return weights + ([few_digits(*bias_shape)] if use_bias else [])

    weights = draw()
    outputs = run(cell, x, weights, bias_shape, **options)
    if bidirectional:
        backward = draw()
        back = run(cell, x[:, ::-1], backward, bias_shape, **options)[:, ::-1]
        weights, outputs = weights + backward, np.concatenate([outputs, back], 2)
    return {
        "name": name,
        "use_bias": use_bias,
        "bidirectional": bidirectional,
        "x": x.tolist(),
        "weights": [{"shape": w.shape, "values": w.flatten().tolist()} for w in weights],
        "outputs": [float(f"{v:.13g}") for v in outputs.flatten()],
    }


def each(name, cell, gates, bias_shape, **options):
    return [
        case(name, cell, gates, bias_shape, **options),
        case(name, cell, gates, bias_shape, use_bias=False, **options),
        case(name, cell, gates, bias_shape, bidirectional=True, **options),
    ]


cases = [
    *each("simple_rnn", simple_rnn, 1, (H,)),
    *each("lstm", lstm, 4, (4 * H,)),
    *each("gru reset_after", gru, 3, (2, 3 * H), reset_after=True),
    *each("gru", gru, 3, (3 * H,), reset_after=False),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
