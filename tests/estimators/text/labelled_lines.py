"""Lines of text and the pages that they come from: what scikit-learn says of its data sets."""

import numpy as np
from sklearn import datasets

PAGES = {
    name: getattr(datasets, f"load_{name}")().DESCR
    for name in ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
}
PAIRS = [(line, name) for name, page in PAGES.items() for line in page.splitlines()]
LINES = np.array([line for line, _ in PAIRS if len(line.split()) > 2], dtype=object)
PAGE_OF = np.array([name for line, name in PAIRS if len(line.split()) > 2])
