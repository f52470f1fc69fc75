"""Use an installed sklloss as a newcomer does: fit, predict, save and load; then import every public name."""

import tempfile
from pathlib import Path

import sklearn
import torch
from sklearn.datasets import load_iris

import sklloss

data = load_iris(as_frame=True)
X, labels = data.data, data.target.map(dict(enumerate(data.target_names)))
with tempfile.TemporaryDirectory() as folder:
    net = sklloss.NeuralClassifier(loss="focal", random_state=0)
    net.fit(X, labels)
    sklloss.save(net, Path(folder) / "net.sklloss")
    loaded = sklloss.load(Path(folder) / "net.sklloss")
assert (loaded.predict_proba(X) == net.predict_proba(X)).all()
assert net.score(X, labels) > 0.9, net.score(X, labels)

for name in sklloss.__all__:
    getattr(sklloss, name)
installed = Path(sklloss.__file__).parent
assert "site-packages" in installed.parts, installed
print(
    f"sklloss {sklloss.__version__} with scikit-learn {sklearn.__version__}"
    f" and torch {torch.__version__}: accuracy {net.score(X, labels):.3f}, saved and loaded"
)
