"""Records what recurrent nodes of ONNX compute, for what ONNX's own node tests leave out.

    pip install numpy onnx onnxruntime
    python record.py          writes recorded/*.onnx and recorded.json

The values are those of the operators' text, transcribed here in numpy and f64. Each is compared
with onnxruntime and with the package's reference evaluator before it is written, but where these
are known not to do what the text says:

* the reference evaluator reads neither sequence_lens, activations (but RNN's Tanh and Affine),
  clip nor input_forget;
* onnxruntime has no layout 1, so what it runs then has the axes of layout 0; it does not clip what LSTM's third activation is given, where the
  text clips "the input of activations"; it takes 0 for the alpha of a ThresholdedRelu that has
  none, where the text takes the operator's own (1).
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}

# name: (function, takes alpha, takes beta, default alpha, default beta)
ACTIVATIONS = {
    "Relu": (lambda x, a, b: np.maximum(x, 0), False, False, None, None),
    "Tanh": (lambda x, a, b: np.tanh(x), False, False, None, None),
    "Sigmoid": (lambda x, a, b: 1 / (1 + np.exp(-x)), False, False, None, None),
    "Affine": (lambda x, a, b: a * x + b, True, True, None, None),
    "LeakyRelu": (lambda x, a, b: np.where(x >= 0, x, a * x), True, False, 0.01, None),
    "ThresholdedRelu": (lambda x, a, b: np.where(x >= a, x, 0), True, False, 1.0, None),
    "ScaledTanh": (lambda x, a, b: a * np.tanh(b * x), True, True, None, None),
    "HardSigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), True, True, 0.2, 0.5),
    "Elu": (lambda x, a, b: np.where(x >= 0, x, a * np.expm1(x)), True, False, 1.0, None),
    "Softsign": (lambda x, a, b: x / (1 + np.abs(x)), False, False, None, None),
    "Softplus": (lambda x, a, b: np.log1p(np.exp(x)), False, False, None, None),
}


def functions(operator, attributes, directions):
    """The activation functions of each direction."""
    names = attributes.get("activations", DEFAULTS[operator] * directions)
    alphas = list(attributes.get("activation_alpha", []))
    betas = list(attributes.get("activation_beta", []))
    made = []
    for name in names:
        function, takes_alpha, takes_beta, alpha, beta = ACTIVATIONS[name]
        if takes_alpha and alphas:
            alpha = alphas.pop(0)
        if takes_beta and betas:
            beta = betas.pop(0)
        made.append(lambda x, function=function, alpha=alpha, beta=beta: function(x, alpha, beta))
    each = len(names) // directions
    return [made[d * each : (d + 1) * each] for d in range(directions)]


def one_direction(operator, attributes, activations, x, w, r, b, p, h, c):
    """The operator's equations for one row: x [time, input] to Y [time, hidden], Y_h and Y_c."""
    n = r.shape[1]
    bound = attributes.get("clip", np.inf)
    clip = lambda x: np.clip(x, -bound, bound)
    W, R, Wb, Rb = (np.split(v, GATES[operator]) for v in (w, r, b[: len(w)], b[len(w) :]))
    outputs = []
    for x_t in x:
        if operator == "RNN":
            (f,) = activations
            h = f(clip(W[0] @ x_t + R[0] @ h + Wb[0] + Rb[0]))
        elif operator == "GRU":
            f, g = activations
            z = f(clip(W[0] @ x_t + R[0] @ h + Wb[0] + Rb[0]))
            r_t = f(clip(W[1] @ x_t + R[1] @ h + Wb[1] + Rb[1]))
            if attributes.get("linear_before_reset", 0):
                h_t = g(clip(W[2] @ x_t + r_t * (R[2] @ h + Rb[2]) + Wb[2]))
            else:
                h_t = g(clip(W[2] @ x_t + R[2] @ (r_t * h) + Rb[2] + Wb[2]))
            h = (1 - z) * h_t + z * h
        else:
            f, g, out = activations
            p_i, p_o, p_f = np.split(p, 3)
            i = f(clip(W[0] @ x_t + R[0] @ h + p_i * c + Wb[0] + Rb[0]))
            forget = f(clip(W[2] @ x_t + R[2] @ h + p_f * c + Wb[2] + Rb[2]))
            if attributes.get("input_forget", 0):
                forget = 1 - i
            c = forget * c + i * g(clip(W[3] @ x_t + R[3] @ h + Wb[3] + Rb[3]))
            o = f(clip(W[1] @ x_t + R[1] @ h + p_o * c + Wb[1] + Rb[1]))
            h = o * out(clip(c))
        outputs.append(h)
    return np.array(outputs).reshape(len(x), n), h, c


def text(operator, attributes, tensors):
    """The operator as its text has it: Y, Y_h and, of LSTM, Y_c."""
    v = {name: value.astype(np.float64) for name, value in tensors.items()}
    batch_first = attributes.get("layout", 0) == 1
    swap = lambda x: np.swapaxes(x, 0, 1) if batch_first else x
    x = swap(v["X"])
    time, batch, _ = x.shape
    directions, _, n = v["R"].shape
    zeros = np.zeros((directions, batch, n))
    h_0 = swap(v["initial_h"]) if "initial_h" in v else zeros
    c_0 = swap(v["initial_c"]) if "initial_c" in v else zeros
    b = v.get("B", np.zeros((directions, 2 * GATES[operator] * n)))
    p = v.get("P", np.zeros((directions, 3 * n)))
    lengths = tensors.get("sequence_lens", np.full(batch, time))
    y, y_h, y_c = np.zeros((time, directions, batch, n)), zeros.copy(), zeros.copy()
    activations = functions(operator, attributes, directions)
    for d in range(directions):
        reverse = attributes.get("direction") == "reverse" or d == 1
        for row, length in enumerate(lengths):
            own = x[:length, row]
            if reverse:
                own = own[::-1]
            weights = v["W"][d], v["R"][d], b[d], p[d]
            outputs, y_h[d, row], y_c[d, row] = one_direction(
                operator, attributes, activations[d], own, *weights, h_0[d, row], c_0[d, row]
            )
            y[:length, d, row] = outputs[::-1] if reverse else outputs
    if batch_first:
        y, y_h, y_c = y.transpose(2, 0, 1, 3), swap(y_h), swap(y_c)
    return [y, y_h, y_c][: 3 if operator == "LSTM" else 2]


def time_first(model, fed):
    """What a model of layout 1 gives, by one of layout 0."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    kept = [a for a in other.graph.node[0].attribute if a.name != "layout"]
    del other.graph.node[0].attribute[:]
    other.graph.node[0].attribute.extend(kept)
    for value in [*other.graph.input, *other.graph.output]:
        value.type.tensor_type.ClearField("shape")
    swap = lambda name, x: x if name == "sequence_lens" else np.swapaxes(x, 0, 1)
    fed = {name: swap(name, x) for name, x in fed.items()}
    y, *states = onnxruntime.InferenceSession(other.SerializeToString()).run(None, fed)
    return [y.transpose(2, 0, 1, 3), *(np.swapaxes(state, 0, 1) for state in states)]


def check(name, model, fed, expected, tolerance, skip):
    for evaluator in {"onnxruntime", "reference"} - set(skip):
        if evaluator == "onnxruntime" and any(a.name == "layout" for a in model.graph.node[0].attribute):
            found = time_first(model, fed)
        elif evaluator == "onnxruntime":
            session = onnxruntime.InferenceSession(model.SerializeToString())
            found = session.run(None, fed)
        else:
            found = ReferenceEvaluator(model).run(None, fed)
        for one, other in zip(found, expected, strict=True):
            difference = np.abs(one - other).max()
            assert difference < tolerance, f"{name}: {evaluator} is {difference} away"


RECORDED = {}


def record(
    name, operator, attributes=None, directions=1, hidden=3, inputs=2, time=4, batch=3, lengths=None,
    initial=True, bias=True, peepholes=False, opset=22, scale=1.0, dtype=np.float32, skip=(),
    tolerance=1e-6, stored=(), wrap=None,
):
    """Writes one model of one node, and what it is fed and gives.

    `stored` are inputs that lie in the model though they are no weights; `wrap` may change the
    model's form once its values are there.
    """
    attributes = attributes or {}
    random = np.random.default_rng(len(RECORDED))
    draw = lambda *shape: random.uniform(-scale, scale, shape).astype(dtype)
    gates = GATES[operator]
    batch_first = attributes.get("layout", 0) == 1
    state = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    weights = {
        "W": draw(directions, gates * hidden, inputs),
        "R": draw(directions, gates * hidden, hidden),
    }
    if bias:
        weights["B"] = draw(directions, 2 * gates * hidden)
    if peepholes:
        weights["P"] = draw(directions, 3 * hidden)
    fed = {"X": draw(*((batch, time) if batch_first else (time, batch)), inputs)}
    if lengths:
        fed["sequence_lens"] = np.array(lengths, np.int32)
    if initial:
        fed["initial_h"] = draw(*state)
        if operator == "LSTM":
            fed["initial_c"] = draw(*state)
    tensors = {**weights, **fed}
    expected = text(operator, attributes, tensors)
    for input in stored:
        weights[input] = fed.pop(input)

    order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    order = order if operator == "LSTM" else order[:6]
    outputs = ["Y", "Y_h", "Y_c"] if operator == "LSTM" else ["Y", "Y_h"]
    used = [input if input in tensors else "" for input in order]
    while not used[-1]:
        used.pop()
    node = helper.make_node(operator, used, outputs, name=name, hidden_size=hidden, **attributes)
    element = helper.np_dtype_to_tensor_dtype
    value = lambda name, like: helper.make_tensor_value_info(name, element(like.dtype), like.shape)
    results = [out.astype(dtype) for out in expected]
    graph = helper.make_graph(
        [node],
        name,
        [value(name, tensor) for name, tensor in fed.items()],
        [value(name, tensor) for name, tensor in zip(outputs, results)],
        [numpy_helper.from_array(tensor, name) for name, tensor in weights.items()],
    )
    if wrap:
        graph = wrap(graph)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    check(name, model, fed, expected, tolerance, skip)
    (HERE / "recorded" / f"{name}.onnx").write_bytes(model.SerializeToString())
    numbers = lambda tensor: {"shape": tensor.shape, "values": tensor.flatten().tolist()}
    RECORDED[name] = {
        "type": np.dtype(dtype).name,
        "fed": {name: numbers(tensor) for name, tensor in fed.items()},
        "outputs": {name: numbers(tensor) for name, tensor in zip(outputs, expected)},
    }


def constants(graph):
    """The initializers as Constant nodes, the first of them behind two Identity nodes."""
    nodes = []
    for index, tensor in enumerate(graph.initializer):
        name = tensor.name
        if index == 0:
            nodes.append(helper.make_node("Constant", [], ["stored"], value=tensor))
            nodes.append(helper.make_node("Identity", ["stored"], ["again"]))
            nodes.append(helper.make_node("Identity", ["again"], [name]))
        else:
            nodes.append(helper.make_node("Constant", [], [name], value=tensor))
    return helper.make_graph(nodes + list(graph.node), graph.name, graph.input, graph.output)


def listed(graph):
    """The initializers as lists of numbers in place of raw bytes."""
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        as_list = helper.make_tensor(tensor.name, tensor.data_type, values.shape, values.flatten())
        tensor.CopyFrom(as_list)
    return graph


def branch(graph):
    """The node in both branches of an If, its weights outside."""
    yes = helper.make_graph(list(graph.node), "yes", [], graph.output)
    no = helper.make_graph(list(graph.node), "no", [], graph.output)
    yes.node[0].name = graph.node[0].name
    no.node[0].name = "other branch"
    condition = numpy_helper.from_array(np.array(True), "condition")
    outputs = [output.name for output in graph.output]
    node = helper.make_node("If", ["condition"], outputs, then_branch=yes, else_branch=no)
    initializers = [*graph.initializer, condition]
    return helper.make_graph([node], graph.name, graph.input, graph.output, initializers)


def main():
    both = {"direction": "bidirectional"}
    reverse = {"direction": "reverse"}
    record("lstm_reverse", "LSTM", reverse, opset=7)
    record("lstm_bidirectional", "LSTM", both, 2, peepholes=True, opset=14)
    record("lstm_lengths", "LSTM", lengths=[4, 1, 3], skip=["reference"])
    record("lstm_reverse_lengths", "LSTM", reverse, lengths=[2, 4, 3], skip=["reference"])
    record(
        "lstm_bidirectional_lengths", "LSTM", both, 2, 5, 3, 7, 2,
        lengths=[3, 7], peepholes=True, skip=["reference"],
    )
    record("lstm_one_step", "LSTM", both, 2, 1, 1, 1, 1, bias=False, initial=False)
    # Two steps from zero: the memory stays below the bound, so onnxruntime agrees.
    record("lstm_clip_gates", "LSTM", {"clip": 1.2}, time=2, initial=False, scale=3.0, skip=["reference"])
    record(
        "lstm_clip", "LSTM", {"clip": 0.4, **both}, 2, 4, 3, 6, 3,
        peepholes=True, scale=2.0, skip=["reference", "onnxruntime"],
    )
    record("lstm_input_forget", "LSTM", {"input_forget": 1}, peepholes=True, skip=["reference"])
    record(
        "lstm_input_forget_both", "LSTM", {"input_forget": 1, **both}, 2, bias=False,
        lengths=[1, 4, 2], skip=["reference"],
    )
    record(
        "lstm_activations", "LSTM",
        {
            **both,
            "activations": ["HardSigmoid", "LeakyRelu", "ScaledTanh", "Sigmoid", "Softsign", "Affine"],
            "activation_alpha": [0.3, 0.2, 1.7, 0.5],
            "activation_beta": [0.4, 0.6, 0.1],
        },
        2, skip=["reference"],
    )
    record("lstm_batch_first", "LSTM", {"layout": 1, **both}, 2, 3, 2, 5, 2)
    record("lstm_double", "LSTM", peepholes=True, dtype=np.float64, tolerance=1e-12, skip=["onnxruntime"])
    record("lstm_half", "LSTM", dtype=np.float16, tolerance=5e-3, skip=["onnxruntime"])
    record("lstm_constants", "LSTM", both, 2, peepholes=True, wrap=constants)
    record("lstm_stored_states", "LSTM", stored=["initial_h", "initial_c", "sequence_lens"],
           lengths=[4, 2, 1], skip=["reference"], wrap=listed)
    record("gru_reverse", "GRU", reverse, opset=7)
    record("gru_reset_after", "GRU", {"linear_before_reset": 1, **both}, 2, opset=14)
    record("gru_reset_after_no_bias", "GRU", {"linear_before_reset": 1}, bias=False)
    record("gru_no_bias", "GRU", both, 2, bias=False, initial=False)
    record(
        "gru_lengths", "GRU", {"linear_before_reset": 1, **both}, 2, 4, 3, 5, 4,
        lengths=[5, 1, 2, 4], skip=["reference"],
    )
    record("gru_reverse_lengths", "GRU", reverse, lengths=[1, 2, 4], skip=["reference"])
    record("gru_clip", "GRU", {"clip": 0.5}, scale=2.0, skip=["reference"])
    record("gru_clip_reset_after", "GRU", {"clip": 0.5, "linear_before_reset": 1}, scale=2.0, skip=["reference"])
    record(
        "gru_activations", "GRU",
        {
            **both,
            "activations": ["HardSigmoid", "Softplus", "Sigmoid", "Elu"],
            "activation_alpha": [0.25, 0.8],
            "activation_beta": [0.45],
        },
        2, skip=["reference"],
    )
    record("gru_batch_first", "GRU", {"layout": 1, **both}, 2)
    record("gru_in_branch", "GRU", {"linear_before_reset": 1}, wrap=branch)
    record("rnn_reverse_lengths", "RNN", reverse, lengths=[3, 1, 4], opset=7, skip=["reference"])
    record("rnn_bidirectional", "RNN", both, 2, 3, 2, 9, 2)
    record("rnn_clip", "RNN", {"clip": 0.3}, scale=2.0, skip=["reference"])
    record("rnn_batch_first", "RNN", {"layout": 1, **both}, 2)
    pairs = [
        ("Relu", "Sigmoid"), ("Affine", "LeakyRelu"), ("ThresholdedRelu", "ScaledTanh"),
        ("HardSigmoid", "Elu"), ("Softsign", "Softplus"), ("LeakyRelu", "Tanh"),
    ]
    for first, second in pairs:
        attributes = {**both, "activations": [first, second]}
        takes = lambda which: [n for n in (first, second) if ACTIVATIONS[n][which]]
        attributes["activation_alpha"] = [0.7, 0.4][: len(takes(1))]
        attributes["activation_beta"] = [0.3, 0.6][: len(takes(2))]
        attributes = {key: value for key, value in attributes.items() if value}
        name = f"rnn_{first}_{second}".lower()
        record(name, "RNN", attributes, 2, skip=["reference"])
    record("rnn_default_leaky_hard", "RNN", {**both, "activations": ["LeakyRelu", "HardSigmoid"]}, 2, skip=["reference"])
    record("rnn_default_elu", "RNN", {"activations": ["Elu"]}, skip=["reference"])
    record("rnn_default_threshold", "RNN", {"activations": ["ThresholdedRelu"]}, scale=1.5, skip=["reference", "onnxruntime"])
    record("lstm_batch_first_lengths", "LSTM", {"layout": 1, **both}, 2, lengths=[4, 1, 3],
           peepholes=True, skip=["reference"])
    record("gru_batch_first_lengths", "GRU", {"layout": 1, "linear_before_reset": 1, **both}, 2, lengths=[2, 4, 1],
           skip=["reference"])
    (HERE / "recorded.json").write_text(json.dumps(RECORDED) + "\n")


main()
