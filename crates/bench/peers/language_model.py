"""A language model, for training.py: a batch is rows of symbols, each of which is read but for its last symbol."""
import torch


class LanguageModel(torch.nn.Module):
    def __init__(self, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.recurrent = torch.nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.output = torch.nn.Linear(hidden, vocabulary)

    def batch(self, symbols):
        symbols = torch.tensor(symbols)
        return symbols[:, :-1].contiguous(), symbols[:, 1:].contiguous()

    def loss(self, batch, state):
        inputs, targets = batch
        hidden, state = self.recurrent(self.embedding(inputs), state)
        scores = self.output(hidden)
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()), state
