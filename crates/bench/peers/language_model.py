"""A worker that trains a language model with PyTorch on the CPU, and tells how long each step took.

    python language_model.py THREADS

Says first, in one line of JSON, which PyTorch it is. A line of its input that is JSON is what to build,

    {"vocabulary": 100, "embedding": 512, "hidden": 512, "layers": 2, "rate": 0.001, "norm": 0.01,
     "weights": "FILE.safetensors", "windows": [[[symbol, ..], ..], ..]}

answered with {"parameters": ..}. Any other is WORK TIMES, such as `training 5`, answered with the
milliseconds and the losses of each run. WORK is `forward` (the loss of a window, with no gradient
recorded) or `training` (a whole step of truncated backpropagation through time, which goes on from the
state that the window before it left). An error is answered with {"error": ..}.
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


def tensors(path):
    """What a safetensors file holds, read here so that no package but PyTorch is needed."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    found = {}
    for name, tensor in header.items():
        assert tensor["dtype"] == "F32", tensor["dtype"]
        begin, end = tensor["data_offsets"]
        found[name] = torch.frombuffer(data[begin:end], dtype=torch.float32).view(tensor["shape"])
    return found


class Model(torch.nn.Module):
    def __init__(self, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.recurrent = torch.nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.output = torch.nn.Linear(hidden, vocabulary)

    def loss(self, window, state):
        inputs, targets = window
        hidden, state = self.recurrent(self.embedding(inputs), state)
        scores = self.output(hidden)
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()), state


class Worker:
    def __init__(self, vocabulary, embedding, hidden, layers, rate, norm, weights, windows):
        self.model = Model(vocabulary, embedding, hidden, layers)
        self.model.load_state_dict(tensors(weights), strict=True)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate)
        self.norm = norm
        symbols = [torch.tensor(window) for window in windows]
        self.windows = [(s[:, :-1].contiguous(), s[:, 1:].contiguous()) for s in symbols]
        self.read, self.state = 0, None

    def next(self):
        window = self.windows[self.read]
        self.read = (self.read + 1) % len(self.windows)
        return window

    def forward(self):
        with torch.no_grad():
            return self.model.loss(self.next(), None)[0].item()

    def training(self):
        loss, state = self.model.loss(self.next(), self.state)
        self.state = tuple(tensor.detach() for tensor in state)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.norm)
        self.optimizer.step()
        return loss.item()


say({"torch": torch.__version__, "threads": torch.get_num_threads()})
for line in sys.stdin:
    try:
        if line.startswith("{"):
            worker = Worker(**json.loads(line))
            say({"parameters": sum(p.numel() for p in worker.model.parameters())})
            continue
        work, times = line.split()
        run = {"forward": worker.forward, "training": worker.training}[work]
        milliseconds, losses = [], []
        for _ in range(int(times)):
            start = time.perf_counter()
            losses.append(run())
            milliseconds.append((time.perf_counter() - start) * 1e3)
        say({"milliseconds": milliseconds, "losses": losses})
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
