"""Records what layers of Keras compute, for keras.rs beside it.

    pip install keras torch safetensors
    python keras_layers.py       (Keras 3 on PyTorch; writes keras_layers.json and keras.safetensors)

Keras multiplies in single precision, whatever its types. All that goes in is a multiple of 1/256, which is exact.

Of each case: what the layer is, its `get_weights()`, an input, its outputs (`return_sequences`) and final states
(`return_state`). Where there are lengths, the input goes through a mask. `keras.safetensors` holds the arrays of a
small model as the documentation of the crate saves them.
"""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from safetensors.numpy import save_file

assert keras.__version__.startswith("3."), keras.__version__
random = np.random.default_rng(0)
here = pathlib.Path(__file__).parent
B, T, I, H = 2, 4, 3, 5
LAYERS = {
    "simple_rnn": (keras.layers.SimpleRNN, {}),
    "lstm": (keras.layers.LSTM, {}),
    "gru reset_after": (keras.layers.GRU, {"reset_after": True}),
    "gru": (keras.layers.GRU, {"reset_after": False}),
}


def few_digits(*shape):
    return np.round(random.uniform(-1, 1, shape) * 256) / 256


def numbers(tensor):
    values = keras.ops.convert_to_numpy(tensor)
    return {"shape": values.shape, "values": [float(f"{v:.9g}") for v in values.flatten()]}


def case(name, merge=None, lengths=None, **options):
    kind, own = LAYERS[name]
    layer = kind(H, return_sequences=True, return_state=True, **own, **options)
    if merge:
        layer = keras.layers.Bidirectional(layer, merge_mode=merge)
    x = few_digits(B, T, I)
    layer.build(x.shape)
    layer.set_weights([few_digits(*w.shape) for w in layer.get_weights()])
    mask = None if lengths is None else np.arange(T)[None] < np.array(lengths)[:, None]
    outputs, *states = layer(x, mask=mask)
    return {
        "name": name,
        "use_bias": options.get("use_bias", True),
        "merge": merge,
        "go_backwards": options.get("go_backwards", False),
        "hard_sigmoid": "recurrent_activation" in options,
        "lengths": lengths,
        "x": x.tolist(),
        "weights": [numbers(w) for w in layer.get_weights()],
        "outputs": numbers(outputs),
        "states": [numbers(state) for state in states],
    }


cases = []
for name in LAYERS:
    cases += [
        case(name),
        case(name, use_bias=False),
        case(name, merge="concat"),
        case(name, go_backwards=True),
        case(name, lengths=[2, 4]),
        case(name, go_backwards=True, lengths=[3, 1]),
        case(name, merge="concat", lengths=[1, 3]),
    ]
cases += [case("gru", merge=merge) for merge in ["sum", "ave", "mul"]]
cases += [case(name, recurrent_activation="hard_sigmoid") for name in LAYERS if name != "simple_rnn"]
text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
(here / "keras_layers.json").write_text(text)

model = keras.Sequential(
    [
        keras.layers.LSTM(4, return_sequences=True, name="lower"),
        keras.layers.Bidirectional(keras.layers.GRU(3), name="upper"),
        keras.layers.Dense(2, name="head"),
    ]
)
model.build((None, None, I))
model.set_weights([few_digits(*w.shape) for w in model.get_weights()])
save_file(
    {
        f"{layer.name}.{index}": array
        for layer in model.layers
        for index, array in enumerate(layer.get_weights())
    },
    here / "keras.safetensors",
)
