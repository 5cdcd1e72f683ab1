"""The same classifier of texts in PyTorch: same text, vocabulary, number of rows a batch, initialisation scheme,
optimiser, schedule, clipping and steps as a run of `backdraft train classify`, words as its symbols.

    backdraft train classify --data TRAIN.tsv --valid VALID.tsv --out RUN ..
    python classify.py RUN TRAIN.tsv VALID.tsv          (PyTorch 2.x, on the CPU)

Prints one JSON object: both accuracies on the held-out file, and sequences a second, evaluation included.
"""
import csv
import re

import torch
from training import Run, mask, outputs_of, padded

run = Run("classify")
asked, known = run.asked, run.known
reader, vocabulary = known["reading"]["text"]["reader"], known["reading"]["text"]["vocabulary"]["words"]
assert reader["unit"] == "word" and asked["pooling"] == "attention" and "vectors" not in asked
# Features of the query that attention asks.
QUERY = 64
symbols = {word: number + 1 for number, word in enumerate(vocabulary)}
classes = known["classes"]
# Letters and digits, with an apostrophe or a hyphen in their middle; markers; anything else alone.
WORD = re.compile(r"<[A-Za-z0-9]+>|[^\W_]+(?:['\u2019-][^\W_]+)*|\S")


def read(path):
    rows = csv.reader(path.read_text().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    next(rows)
    labels, texts = zip(*(row for row in rows if row[1].strip()))
    if not reader["case"]:
        texts = [text.lower() for text in texts]
    words = [WORD.findall(text)[: reader["max_steps"]] or ["<UNK>"] for text in texts]
    return [[symbols.get(word, 0) for word in row] for row in words], [classes.index(l) for l in labels]


class Query(torch.nn.Module):
    def __init__(self, features, size):
        super().__init__()
        self.transform = torch.nn.Linear(features, size)
        self.query = torch.nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def forward(self, outputs, lengths):
        scores = self.transform(outputs).tanh() @ self.query
        weights = scores.masked_fill(~mask(lengths), -torch.inf).softmax(1)
        return (outputs * weights[..., None]).sum(1)


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        both = asked["ways"] == "both"
        features = asked["hidden"] * (2 if both else 1)
        self.embedding = torch.nn.Embedding(len(symbols) + 1, asked["embedding"])
        self.recurrent = run.recurrent(asked["embedding"], asked["hidden"], asked["layers"], both)
        self.pool = Query(features, QUERY)
        self.output = torch.nn.Linear(features, len(classes))
        self.dropout = torch.nn.Dropout(asked["dropout"])

    def forward(self, symbols, lengths):
        read = self.dropout(self.embedding(symbols))
        outputs, _ = outputs_of(self.recurrent, read, lengths)
        return self.output(self.dropout(self.pool(outputs, lengths)))


(learned, right), (held_out, held_out_right) = read(run.files.data), read(run.files.valid)
loss = torch.nn.CrossEntropyLoss(label_smoothing=asked["label_smoothing"])


def loss_of(model, rows):
    scores = model(*padded([learned[row] for row in rows]))
    return loss(scores, torch.tensor([right[row] for row in rows]))


def accuracy(model, texts, right):
    found = []
    for at in range(0, len(texts), asked["batch"]):
        found += model(*padded(texts[at : at + asked["batch"]])).argmax(1).tolist()
    return sum(a == b for a, b in zip(found, right)) / len(right)


run.train(
    Classifier(),
    [len(row) for row in learned],
    loss_of,
    lambda model: {"accuracy": accuracy(model, held_out, held_out_right)},
)
