"""Trains a model with PyTorch on the CPU, and tells how long each step took.

    python -c "$(cat training.py language_model.py; echo 'serve(LanguageModel)')" THREADS

A program is this file, one that defines a model, and the call of `serve` with its class. It says first, in
one line of JSON, which PyTorch it is. A line of its input that is JSON is what to build,

    {"sizes": {"vocabulary": 100, ..}, "batches": [..], "rate": 0.001, "norm": 0.01,
     "weights": "FILE.safetensors"}

answered with {"parameters": ..}. Any other is WORK TIMES, such as `training 5`, answered with the
milliseconds and the losses of each run. WORK is `forward` (the loss of a batch, with no gradient
recorded) or `training` (a whole step: the loss, its gradient, clipping, Adam). An error is answered with
{"error": ..}.

A model is built of the sizes, and has `batch`, which makes tensors of one of the batches, and `loss`, which
gives the mean loss of a batch that goes on from a state, and the state after it: a tuple of tensors.
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


class Worker:
    def __init__(self, model, sizes, batches, rate, norm, weights):
        self.model = model(**sizes)
        self.model.load_state_dict(tensors(weights), strict=True)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate)
        self.norm = norm
        self.batches = [self.model.batch(symbols) for symbols in batches]
        self.read, self.state = 0, None

    def next(self):
        batch = self.batches[self.read]
        self.read = (self.read + 1) % len(self.batches)
        return batch

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


def serve(model):
    say({"torch": torch.__version__, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        try:
            if line.startswith("{"):
                worker = Worker(model, **json.loads(line))
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
