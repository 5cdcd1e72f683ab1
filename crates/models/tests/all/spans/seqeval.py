"""Records what the package seqeval says of random tags, for spans.rs.

    python seqeval.py > seqeval.json      (seqeval 1.2)

Run it from another folder, or it imports itself: python tests/all/spans/seqeval.py
"""
import json
import random
import sys

sys.path = [path for path in sys.path if not path.endswith("spans")]
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES

random.seed(0)
cases = []
for scheme, name, letters in [(IOB2, "bio", "BI"), (IOBES, "bioes", "BIES")]:
    tags = ["O"] + [f"{letter}-{kind}" for letter in letters for kind in ("PER", "LOC")]
    for _ in range(20):
        lengths = [random.randint(1, 9) for _ in range(random.randint(1, 5))]
        right = [[random.choice(tags) for _ in range(length)] for length in lengths]
        # Most are found, so that not every score is near 0.
        other = lambda tag: random.choice(tags) if random.random() < 0.25 else tag
        found = [[other(tag) for tag in sentence] for sentence in right]
        case = {"scheme": name, "right": [" ".join(s) for s in right]}
        case["found"] = [" ".join(s) for s in found]
        scores = lambda **how: [
            float(score(right, found, zero_division=0, **how))
            for score in (precision_score, recall_score, f1_score)
        ]
        case["lenient"] = scores()
        case["strict"] = scores(mode="strict", scheme=scheme)
        cases.append(case)
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
