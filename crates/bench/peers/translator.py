"""An encoder-decoder with attention, for training.py: a batch is sources and their targets, of one length.

What is attended to does not go back into the decoder, so the two classes compute the same. `LoopTranslator` goes
step by step over the target, as most programs do; `FusedTranslator` over all of it at once.
"""
import torch


class Attention(torch.nn.Module):
    def __init__(self, features, hidden, kind):
        super().__init__()
        self.keys = torch.nn.Linear(features, hidden, bias=False)
        self.additive = {"additive": True, "general": False}[kind]
        if self.additive:
            self.query = torch.nn.Linear(hidden, hidden)
            self.fit = torch.nn.Linear(hidden, 1, bias=False)

    def forward(self, hidden, annotations, keys):
        """What each step of `hidden` sees of the annotations. The keys are computed once for all steps."""
        if self.additive:
            units = (self.query(hidden)[:, :, None] + keys[:, None]).tanh()
            fit = self.fit(units).squeeze(3)
        else:
            fit = hidden @ keys.transpose(1, 2)
        return fit.softmax(2) @ annotations


class FusedTranslator(torch.nn.Module):
    def __init__(self, vocabulary, embedding, hidden, attention):
        super().__init__()
        half = (hidden + 1) // 2
        self.edge = vocabulary
        self.source_embedding = torch.nn.Embedding(vocabulary, embedding)
        self.encoder = torch.nn.LSTM(embedding, half, batch_first=True, bidirectional=True)
        self.bridge = torch.nn.ModuleList(torch.nn.Linear(4 * half, hidden) for _ in range(2))
        self.target_embedding = torch.nn.Embedding(vocabulary + 1, embedding)
        self.decoder = torch.nn.LSTM(embedding, hidden, batch_first=True)
        self.attention = Attention(2 * half, hidden, attention)
        self.combine = torch.nn.Linear(hidden + 2 * half, hidden)
        self.output = torch.nn.Linear(hidden, vocabulary + 1)

    def batch(self, symbols):
        source, target = map(torch.tensor, symbols)
        edge = torch.full((len(target), 1), self.edge)
        return source, torch.cat([edge, target], 1), torch.cat([target, edge], 1)

    def loss(self, batch, state):
        source, reads, says = batch
        annotations, (hidden, cell) = self.encoder(self.source_embedding(source))
        ends = torch.cat([hidden[0], cell[0], hidden[1], cell[1]], 1)
        begun = [linear(ends).tanh() for linear in self.bridge]
        scores = self.decode(self.target_embedding(reads), begun, annotations)
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), says.flatten()), ()

    def decode(self, embedded, begun, annotations):
        hidden, cell = begun
        outputs, _ = self.decoder(embedded, (hidden[None], cell[None]))
        return self.scores(outputs, annotations, self.attention.keys(annotations))

    def scores(self, outputs, annotations, keys):
        seen = self.attention(outputs, annotations, keys)
        combined = self.combine(torch.cat([outputs, seen], 2)).tanh()
        return self.output(combined)


class LoopTranslator(FusedTranslator):
    def __init__(self, vocabulary, embedding, hidden, attention):
        super().__init__(vocabulary, embedding, hidden, attention)
        self.decoder = torch.nn.LSTMCell(embedding, hidden)

    def load_state_dict(self, weights, **how):
        """An nn.LSTMCell names its weights as an nn.LSTM does, but for the layer: decoder.weight_ih."""
        layer = {f"{name}_l0": name for name, _ in self.named_parameters() if name.startswith("decoder.")}
        return super().load_state_dict({layer.get(name, name): weights[name] for name in weights}, **how)

    def decode(self, embedded, begun, annotations):
        (hidden, cell), keys = begun, self.attention.keys(annotations)
        scores = []
        for symbol in embedded.unbind(1):
            hidden, cell = self.decoder(symbol, (hidden, cell))
            scores.append(self.scores(hidden[:, None], annotations, keys))
        return torch.cat(scores, 1)
