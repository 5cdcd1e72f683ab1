"""A tagger with a conditional random field, for training.py: a batch is sentences of several lengths, and their tags.

The two classes compute the same. `PackedTagger` packs padded rows and reads the characters of each word where it
stands, as most programs do. `UnpackedTagger` reads words that are spelled alike once, and packs nothing: an `nn.LSTM`
for each direction goes over padded rows, in which padding comes last, for the reverse too.
"""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence


def padded(rows):
    """Rows of several lengths, padded with 0, and the lengths."""
    lengths = torch.tensor([len(row) for row in rows])
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True), lengths


class Crf(torch.nn.Module):
    """As pytorch-crf has it, but that the score of the right tags is not taken in a loop."""

    def __init__(self, tags):
        super().__init__()
        self.start_transitions = torch.nn.Parameter(torch.empty(tags))
        self.end_transitions = torch.nn.Parameter(torch.empty(tags))
        self.transitions = torch.nn.Parameter(torch.empty(tags, tags))

    def forward(self, emissions, tags, mask):
        """-ln p(tags) of each sentence."""
        return self.log_partition(emissions, mask) - self.score(emissions, tags, mask)

    def score(self, emissions, tags, mask):
        emitted = emissions.gather(2, tags[:, :, None]).squeeze(2) * mask
        passed = self.transitions[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]
        last = tags.gather(1, mask.sum(1, keepdim=True) - 1).squeeze(1)
        ends = self.start_transitions[tags[:, 0]] + self.end_transitions[last]
        return emitted.sum(1) + passed.sum(1) + ends

    def log_partition(self, emissions, mask):
        alpha = self.start_transitions + emissions[:, 0]
        for emitted, there in zip(emissions.unbind(1)[1:], mask.unbind(1)[1:]):
            after = torch.logsumexp(alpha[:, :, None] + self.transitions, 1) + emitted
            alpha = torch.where(there[:, None], after, alpha)
        return torch.logsumexp(alpha + self.end_transitions, 1)


class PackedLstm(torch.nn.LSTM):
    """Over padded rows, in both directions; gives the outputs, and where each direction ends."""

    def __init__(self, features, hidden):
        super().__init__(features, hidden, batch_first=True, bidirectional=True)

    def forward(self, rows, lengths):
        packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        packed, (ends, _) = super().forward(packed)
        return pad_packed_sequence(packed, batch_first=True)[0], torch.cat([ends[0], ends[1]], 1)


class UnpackedLstm(torch.nn.Module):
    """The same of two layers, each in one direction."""

    def __init__(self, features, hidden):
        super().__init__()
        self.onward = torch.nn.LSTM(features, hidden, batch_first=True)
        self.reverse = torch.nn.LSTM(features, hidden, batch_first=True)

    def _load_from_state_dict(self, weights, prefix, *rest):
        """An nn.LSTM in both directions names its weights weight_ih_l0 and weight_ih_l0_reverse."""
        for name in [name for name in weights if name.startswith(prefix)]:
            weight, reverse = name.removeprefix(prefix).removesuffix("_reverse"), name.endswith("_reverse")
            weights[f"{prefix}{'reverse' if reverse else 'onward'}.{weight}"] = weights.pop(name)
        super()._load_from_state_dict(weights, prefix, *rest)

    def forward(self, rows, lengths):
        steps, ends = torch.arange(rows.shape[1]), lengths[:, None]
        turn = torch.where(steps < ends, ends - 1 - steps, steps)[:, :, None]
        onward, _ = self.onward(rows)
        turned, _ = self.reverse(rows.gather(1, turn.expand_as(rows)))
        reverse = turned.gather(1, turn.expand_as(turned))
        last = (ends - 1)[:, :, None].expand(-1, 1, onward.shape[2])
        last = torch.cat([onward.gather(1, last), turned.gather(1, last)], 2)
        return torch.cat([onward, reverse], 2), last.squeeze(1)


class Characters(torch.nn.Module):
    def __init__(self, alphabet, features, lstm):
        super().__init__()
        self.embedding = torch.nn.Embedding(alphabet, features)
        self.recurrent = lstm(features, features)

    def forward(self, words, lengths):
        return self.recurrent(self.embedding(words), lengths)[1]


class PackedTagger(torch.nn.Module):
    def __init__(self, words, embedding, hidden, alphabet, spelling, tags, lstm=PackedLstm):
        super().__init__()
        self.embedding = torch.nn.Embedding(words, embedding)
        self.characters = Characters(alphabet, spelling, lstm)
        self.recurrent = lstm(embedding + 2 * spelling, hidden)
        self.output = torch.nn.Linear(2 * hidden, tags)
        self.crf = Crf(tags)

    def batch(self, symbols):
        """The mask is of what is no padding."""
        (words, lengths), (tags, _) = padded(symbols["words"]), padded(symbols["tags"])
        mask = torch.arange(words.shape[1]) < lengths[:, None]
        spellings = self.spellings([word for sentence in symbols["spellings"] for word in sentence], mask)
        return words, lengths, mask, spellings, tags

    def spellings(self, words, mask):
        """The characters of all words, and where each stands."""
        return *padded(words), mask.flatten().nonzero().squeeze(1)

    def spelled(self, spellings, batch, time):
        words, lengths, places = spellings
        read = self.characters(words, lengths)
        return read.new_zeros(batch * time, read.shape[1]).index_copy(0, places, read).view(batch, time, -1)

    def loss(self, batch, state):
        words, lengths, mask, spellings, tags = batch
        read = torch.cat([self.embedding(words), self.spelled(spellings, *words.shape)], 2)
        outputs, _ = self.recurrent(read, lengths)
        return self.crf(self.output(outputs), tags, mask).mean(), ()


class UnpackedTagger(PackedTagger):
    def __init__(self, **sizes):
        super().__init__(**sizes, lstm=UnpackedLstm)

    def spellings(self, words, mask):
        """The characters of all distinct words, and which of them stands where."""
        distinct = {word: index for index, word in enumerate(dict.fromkeys(map(tuple, words)))}
        word_of = torch.zeros(mask.shape, dtype=torch.long)
        word_of[mask] = torch.tensor([distinct[tuple(word)] for word in words])
        return *padded(list(distinct)), word_of

    def spelled(self, spellings, batch, time):
        words, lengths, word_of = spellings
        return torch.nn.functional.embedding(word_of, self.characters(words, lengths))
