"""Records what models written in PyTorch compute, for models.rs beside it.

    python models.py      (PyTorch 2.x, safetensors, pytorch-crf; writes beside this file)

Each is the twin of a model of backdraft-models, with the names that `backdraft_exchange::pytorch` gives it.
Rows are of different lengths; what stands in their padding is 0.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, ctc_loss, log_softmax, softplus
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torchcrf import CRF

here = pathlib.Path(__file__).parent
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def run(recurrent, inputs, lengths, state=None):
    """Outputs, zero in padding, and final states, of rows of these lengths."""
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    outputs, state = recurrent(packed, state)
    return pad_packed_sequence(outputs, batch_first=True)[0], state


def mask(lengths):
    return torch.arange(max(lengths))[None, :] < lengths[:, None]


def nats(scores, targets, lengths):
    """Row by row, where there is something to say."""
    losses = -log_softmax(scores, -1).gather(-1, targets[..., None])[..., 0]
    return losses[mask(lengths)].tolist()


class Query(torch.nn.Module):
    def __init__(self, features, size):
        super().__init__()
        self.transform = torch.nn.Linear(features, size)
        self.query = torch.nn.Parameter(torch.randn(size))

    def forward(self, outputs, lengths):
        scores = self.transform(outputs).tanh() @ self.query
        weights = scores.masked_fill(~mask(lengths), -torch.inf).softmax(1)
        return (outputs * weights[..., None]).sum(1)


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(7, 4)
        self.recurrent = torch.nn.GRU(4, 3, 2, batch_first=True, bidirectional=True)
        self.pool = Query(6, 5)
        self.output = torch.nn.Linear(6, 3)

    def forward(self, symbols, lengths):
        outputs, _ = run(self.recurrent, self.embedding(symbols), lengths)
        return self.output(self.pool(outputs, lengths))


class Characters(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(6, 3)
        self.recurrent = torch.nn.LSTM(3, 2, batch_first=True, bidirectional=True)

    def forward(self, characters, lengths):
        _, (hidden, _) = run(self.recurrent, self.embedding(characters), lengths)
        return torch.cat([hidden[0], hidden[1]], 1)


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(9, 4)
        self.characters = Characters()
        self.recurrent = torch.nn.LSTM(8, 3, batch_first=True, bidirectional=True)
        self.output = torch.nn.Linear(6, 4)
        self.crf = CRF(4, batch_first=True)

    def emissions(self, words, lengths, spellings):
        rows = [self.characters(*padded(row)) for row in spellings]
        spelled = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        read = torch.cat([self.embedding(words), spelled], 2)
        return self.output(run(self.recurrent, read, lengths)[0])


class Transcriber(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent = torch.nn.LSTM(2 * 4, 3, batch_first=True, bidirectional=True)
        self.output = torch.nn.Linear(6, 4)

    def forward(self, frames, lengths):
        """Two frames side by side are a step."""
        batch, time, features = frames.shape
        missing = torch.zeros(batch, time % 2, features)
        steps = torch.cat([frames, missing], 1).reshape(batch, -1, 2 * features)
        lengths = (lengths + 1) // 2
        return log_softmax(self.output(run(self.recurrent, steps, lengths)[0]), 2), lengths


class Forecaster(torch.nn.Module):
    def __init__(self, categories=()):
        super().__init__()
        sizes = [(count + 1) // 2 for count in categories]
        embeddings = [torch.nn.Embedding(count, size) for count, size in zip(categories, sizes)]
        self.categories = torch.nn.ModuleList(embeddings)
        self.recurrent = torch.nn.RNN(2 + sum(sizes), 5, batch_first=True)
        self.output = torch.nn.Linear(5, 2)

    def forward(self, values, *categories):
        """Mean and deviation of each value, of those before it and of the categories of its series."""
        before = torch.cat([torch.zeros(len(values), 1), values[:, :-1]], 1)
        observed = torch.ones_like(values)
        observed[:, 0] = 0
        inputs = [torch.stack([before, observed], 2)]
        for embedding, own in zip(self.categories, categories):
            inputs.append(embedding(own)[:, None].expand(-1, values.shape[1], -1))
        outputs, _ = self.recurrent(torch.cat(inputs, 2))
        mean, deviation = self.output(outputs).unbind(2)
        return mean, softplus(deviation) + 1e-4


class Attention(torch.nn.Module):
    def __init__(self, additive):
        super().__init__()
        if additive:
            self.keys = torch.nn.Linear(4, 5, bias=False)
            self.query = torch.nn.Linear(5, 5)
            self.fit = torch.nn.Linear(5, 1, bias=False)
        else:
            self.keys = torch.nn.Linear(4, 5, bias=False)
        self.additive = additive

    def forward(self, queries, annotations, lengths):
        keys = self.keys(annotations)
        if self.additive:
            units = (self.query(queries)[:, :, None] + keys[:, None]).tanh()
            scores = self.fit(units)[..., 0]
        else:
            scores = queries @ keys.transpose(1, 2)
        weights = scores.masked_fill(~mask(lengths)[:, None], -torch.inf).softmax(2)
        return weights @ annotations


def taught(symbols, lengths, edge):
    """What a decoder reads, what it should say, and how long that is."""
    edges = torch.full((len(symbols), 1), edge)
    says = torch.cat([symbols, edges], 1)
    says[torch.arange(len(symbols)), lengths] = edge
    return torch.cat([edges, symbols], 1), says, lengths + 1


class Translator(torch.nn.Module):
    def __init__(self, additive):
        super().__init__()
        self.source_embedding = torch.nn.Embedding(7, 4)
        self.encoder = torch.nn.LSTM(4, 2, batch_first=True, bidirectional=True)
        self.target_embedding = torch.nn.Embedding(6, 3)
        self.decoder = torch.nn.LSTM(3, 5, batch_first=True)
        self.bridge = torch.nn.ModuleList(torch.nn.Linear(8, 5) for _ in range(2))
        self.attention = Attention(additive)
        self.combine = torch.nn.Linear(9, 5)
        self.output = torch.nn.Linear(5, 6)

    def loss(self, source, source_lengths, target, target_lengths):
        annotations, (hidden, cell) = run(
            self.encoder, self.source_embedding(source), source_lengths
        )
        ends = torch.cat([hidden[0], cell[0], hidden[1], cell[1]], 1)
        begun = tuple(linear(ends).tanh()[None] for linear in self.bridge)
        reads, says, lengths = taught(target, target_lengths, 5)
        outputs, _ = self.decoder(self.target_embedding(reads), begun)
        seen = self.attention(outputs, annotations, source_lengths)
        combined = self.combine(torch.cat([outputs, seen], 2)).tanh()
        return nats(self.output(combined), says, lengths)


class Composer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.key_embedding = torch.nn.Embedding(5, 3)
        self.embedding = torch.nn.Embedding(6, 4)
        self.recurrent = torch.nn.GRU(4 + 3, 5, 2, batch_first=True)
        self.bridge = torch.nn.ModuleList(torch.nn.Linear(3, 5) for _ in range(2))
        self.output = torch.nn.Linear(5, 6)

    def loss(self, key, text, lengths):
        key = self.key_embedding(key).mean(1)
        begun = torch.stack([linear(key).tanh() for linear in self.bridge])
        reads, says, lengths = taught(text, lengths, 5)
        told = key[:, None].expand(-1, reads.shape[1], -1)
        outputs, _ = self.recurrent(torch.cat([self.embedding(reads), told], 2), begun)
        return nats(self.output(outputs), says, lengths)


def padded(rows):
    lengths = torch.tensor([len(row) for row in rows])
    rows = [torch.tensor(row) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths


def drawn(below, *lengths):
    return [torch.randint(below, (length,)).tolist() for length in lengths]


tensors, recorded = {}, {}


def keep(name, model, **case):
    tensors.update({f"{name}.{key}": value.float() for key, value in model.state_dict().items()})
    recorded[name] = case


def single(model):
    """With weights that single precision can hold, in double precision."""
    return model.float().double().eval()


with torch.no_grad():
    model, symbols = single(Classifier()), drawn(7, 6, 2, 4)
    scores, classes, weight = model(*padded(symbols)), torch.tensor([2, 0, 1]), [0.5, 2.0, 1.25]
    loss = cross_entropy(
        scores, classes, torch.tensor(weight), label_smoothing=0.2, reduction="none"
    )
    case = dict(scores=scores.tolist(), classes=classes.tolist(), weight=weight, loss=loss.tolist())
    keep("classifier", model, symbols=symbols, **case)

    model, words = single(Tagger()), drawn(9, 5, 3)
    spellings = [drawn(6, *[1 + (word + at) % 3 for at, word in enumerate(row)]) for row in words]
    tags = drawn(4, 5, 3)
    inputs, lengths = padded(words)
    emissions = model.emissions(inputs, lengths, spellings)
    loss = -model.crf(emissions, padded(tags)[0], mask=mask(lengths), reduction="none")
    found = model.crf.decode(emissions, mask=mask(lengths))
    keep("tagger", model, words=words, spellings=spellings, tags=tags, loss=loss.tolist(), found=found)

    model, lengths = single(Transcriber()), torch.tensor([7, 4])
    frames = torch.randn(2, 7, 4) * mask(lengths)[..., None]
    log_p, steps = model(frames, lengths)
    labels = [[1, 3], [2]]
    targets = torch.tensor([1, 3, 2])
    loss = ctc_loss(log_p.transpose(0, 1), targets, steps, torch.tensor([2, 1]), reduction="none")
    rows = [row[:length].tolist() for row, length in zip(frames, lengths)]
    keep("transcriber", model, frames=rows, labels=labels, loss=loss.tolist())

    model, values = single(Forecaster()), torch.randn(2, 6)
    mean, deviation = model(values)
    keep("forecaster", model, values=values.tolist(), mean=mean.tolist(), deviation=deviation.tolist())

    for name, additive in [("translator", False), ("translator_additive", True)]:
        model, source, target = single(Translator(additive)), drawn(7, 5, 3), drawn(5, 2, 4)
        loss = model.loss(*padded(source), *padded(target))
        keep(name, model, source=source, target=target, loss=loss)

    model, key, text = single(Composer()), drawn(5, 2, 2), drawn(5, 4, 2)
    loss = model.loss(torch.tensor(key), *padded(text))
    keep("composer", model, key=key, text=text, loss=loss)

    model, values, categories = single(Forecaster([5, 2])), torch.randn(2, 6), torch.tensor([[4, 0], [1, 1]])
    mean, deviation = model(values, *categories.T)
    case = dict(values=values.tolist(), categories=categories.tolist())
    keep("forecaster_categories", model, **case, mean=mean.tolist(), deviation=deviation.tolist())

save_file(tensors, here / "models.safetensors")
lines = ",\n".join(f'"{name}":{json.dumps(case, separators=(",", ":"))}' for name, case in recorded.items())
(here / "models.json").write_text(f"{{\n{lines}\n}}\n")
