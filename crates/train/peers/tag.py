"""The same tagger in PyTorch, with pytorch-crf: same sentences, vocabularies, number of rows a batch, initialisation
scheme, optimiser, schedule, clipping and steps as a run of `backdraft train tag`.

    backdraft train tag --data TRAIN.tsv --valid VALID.tsv --out RUN ..
    python tag.py RUN TRAIN.tsv VALID.tsv               (PyTorch 2.x and pytorch-crf, on the CPU)

Prints one JSON object: both accuracies on the held-out file, and sentences a second, evaluation included.
"""
import torch
from torchcrf import CRF
from training import Run, mask, outputs_of, padded

run = Run("tag")
asked, known = run.asked, run.known
symbols = {word: number + 1 for number, word in enumerate(known["words"]["words"])}
characters = {c: number + 1 for number, c in enumerate(known["characters"]["characters"])}
tags = {tag: number for number, tag in enumerate(known["tags"])}


def read(path):
    """Words, spellings and tags of each sentence."""
    sentences = [[]]
    for line in path.read_text().splitlines():
        if line.strip():
            sentences[-1].append(line.split("\t"))
        else:
            sentences.append([])
    for rows in filter(None, sentences):
        words = [row[0] for row in rows]
        lower = words if known["case"] else [word.lower() for word in words]
        yield (
            [symbols.get(word, 0) for word in lower],
            [tuple(characters.get(c, 0) for c in word) for word in words],
            [tags.get(row[-1], 0) for row in rows],
        )


class Characters(torch.nn.Module):
    def __init__(self):
        super().__init__()
        size, hidden = asked["character_embedding"], asked["characters"]
        self.embedding = torch.nn.Embedding(len(characters) + 1, size)
        self.recurrent = run.recurrent(size, hidden, 1, True)

    def forward(self, spellings, dropout):
        """Each distinct word is read once."""
        distinct = {word: at for at, word in enumerate(dict.fromkeys(w for row in spellings for w in row))}
        inputs, lengths = padded(list(distinct))
        _, state = outputs_of(self.recurrent, dropout(self.embedding(inputs)), lengths)
        hidden = state[0] if isinstance(state, tuple) else state
        places, _ = padded([[distinct[word] for word in row] for row in spellings])
        return torch.cat([hidden[0], hidden[1]], 1)[places]


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        features, hidden = asked["embedding"] + 2 * asked["characters"], asked["hidden"]
        self.embedding = torch.nn.Embedding(len(symbols) + 1, asked["embedding"])
        self.characters = Characters()
        self.recurrent = run.recurrent(features, hidden, asked["layers"], True)
        self.output = torch.nn.Linear(2 * hidden, len(tags))
        self.crf = CRF(len(tags), batch_first=True)
        self.dropout = torch.nn.Dropout(asked["dropout"])

    def emissions(self, rows):
        words, lengths = padded([row[0] for row in rows])
        spelled = self.characters([row[1] for row in rows], self.dropout)
        read = self.dropout(torch.cat([self.embedding(words), spelled], 2))
        outputs, _ = outputs_of(self.recurrent, read, lengths)
        return self.output(self.dropout(outputs)), mask(lengths)


learned, held_out = list(read(run.files.data)), list(read(run.files.valid))


def loss_of(model, rows):
    rows = [learned[row] for row in rows]
    emissions, there = model.emissions(rows)
    right, _ = padded([row[2] for row in rows])
    return -model.crf(emissions, right, mask=there, reduction="mean")


def accuracy(model):
    right = total = 0
    by_length = sorted(held_out, key=lambda row: -len(row[0]))
    for at in range(0, len(by_length), asked["batch"]):
        rows = by_length[at : at + asked["batch"]]
        emissions, there = model.emissions(rows)
        for row, found in zip(rows, model.crf.decode(emissions, mask=there)):
            right += sum(a == b for a, b in zip(row[2], found))
            total += len(found)
    return {"accuracy": right / total}


run.train(Tagger(), [len(row[0]) for row in learned], loss_of, accuracy)
