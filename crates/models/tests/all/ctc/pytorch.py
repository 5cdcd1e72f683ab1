"""Records torch.nn.CTCLoss of random labels, for against_pytorch.rs beside it.

    python pytorch.py > pytorch.json        (PyTorch 2.x; any CPU, double precision)

The logits of place `at` of row `row` are 1.5 sin(29 row + 13 at). Rows of a case differ in length and in
labels; one has none, and some have more labels than steps for them (`null`: an infinite loss). The gradient
is that of the sum of (row + 1) loss_row by the logits, with zero_infinity: without it PyTorch has NaN in rows
of an infinite loss.
"""
import json
import torch

torch.manual_seed(0)


def draw(low, high):
    return int(torch.randint(low, high + 1, ()))


cases = []
for batch, time, symbols in [(5, 9, 4), (4, 6, 3), (6, 8, 6), (3, 12, 2)]:
    lengths = [draw(time // 2, time) for _ in range(batch)]
    lengths[1] = time
    targets = [[draw(1, symbols - 1) for _ in range(draw(1, 2 * n // 3))] for n in lengths]
    targets[0] = []
    # A label that repeats, in more steps than labels and in as many.
    targets[1][1:1] = targets[1][:1]
    targets[2] = [1, 1, 1]
    lengths[2] = 5 if len(cases) % 2 == 0 else 4
    at = torch.arange(time * symbols, dtype=torch.float64)
    rows = torch.arange(batch, dtype=torch.float64)[:, None]
    logits = (1.5 * torch.sin(29 * rows + 13 * at)).reshape(batch, time, symbols).requires_grad_()
    log_p = torch.log_softmax(logits, 2).transpose(0, 1)
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(t).long() for t in targets], True)
    sizes = torch.tensor(lengths), torch.tensor([len(t) for t in targets])
    losses = torch.nn.CTCLoss(reduction="none")(log_p, padded, *sizes)
    zeroed = torch.nn.CTCLoss(reduction="none", zero_infinity=True)(log_p, padded, *sizes)
    (zeroed * (rows[:, 0] + 1)).sum().backward()
    cases.append({
        "time": time,
        "symbols": symbols,
        "lengths": lengths,
        "targets": targets,
        "losses": [None if v == float("inf") else float(f"{v:.10g}") for v in losses.tolist()],
        "gradient": [float(f"{v:.8f}") for v in logits.grad.flatten().tolist()],
    })
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
