"""A worker that runs PyTorch's recurrent layers on the CPU, and tells how long each run took.

    python recurrent.py THREADS

Says first, in one line of JSON, which PyTorch it is. Then answers each line of its input,

    KIND BATCH TIME INPUT HIDDEN WORK TIMES        lstm 32 64 128 128 training 5

with one line: the milliseconds of each of the TIMES runs. WORK is `forward` (no gradient recorded)
or `training` (forward, the mean of the squares of the outputs, and its gradients by every parameter
and by the input). An error is answered with {"error": ..}.
"""
import json
import sys
import time


def say(answer):
    print(json.dumps(answer), flush=True)


try:
    import torch

    torch.set_num_threads(int(sys.argv[1]))
except Exception as error:
    say({"error": f"{type(error).__name__}: {error}"})
    sys.exit(1)

KINDS = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def build(kind, batch, steps, features, hidden):
    layer = KINDS[kind](features, hidden, batch_first=True)
    return layer, torch.rand(batch, steps, features), torch.rand(batch, steps, features)


def forward(l, x):
    with torch.no_grad():
        l(x)


def training(l, x):
    l.zero_grad(set_to_none=True)
    x.grad = None
    y, _ = l(x)
    (y * y).mean().backward()


say({"torch": torch.__version__, "threads": torch.get_num_threads()})
built = None
for line in sys.stdin:
    try:
        kind, *sizes, work, times = line.split()
        if built != (kind, sizes):
            layer, plain, leaf = build(kind, *map(int, sizes))
            leaf.requires_grad_()
            built = (kind, sizes)
        run, x = {"forward": (forward, plain), "training": (training, leaf)}[work]
        answer = []
        for _ in range(int(times)):
            start = time.perf_counter()
            run(layer, x)
            answer.append((time.perf_counter() - start) * 1e3)
        say(answer)
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
