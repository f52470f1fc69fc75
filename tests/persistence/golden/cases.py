"""Small estimators of every kind on data that are formulas, so that no version draws others."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklloss import (
    LossSearchCV,
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    NeuralSegmenter,
    Recommender,
    SequenceTranscriber,
    TokenVectorizer,
)


class Golden(NamedTuple):
    """An estimator, what it is fitted on, and the methods whose answers are kept."""

    model: Any
    X: Any
    y: Any
    methods: tuple[str, ...] = ("predict",)
    asked: Any = None

    @property
    def questions(self) -> Any:
        """What the methods are asked about."""
        return self.X if self.asked is None else self.asked


def waves(*shape: int) -> np.ndarray:
    """Return numbers between -1 and 1 without a pattern that matters."""
    return np.sin(np.arange(np.prod(shape)) ** 1.3).reshape(shape)


TABLE = waves(40, 3)
Y = TABLE[:, 0] + 0.2 * TABLE[:, 1]
CLASSES = np.where(Y > 0.3, "high", np.where(Y < -0.3, "low", "mid"))
MANY = waves(210, 2)
FRAME = pd.DataFrame(MANY, columns=["a", "b"]).assign(
    c=np.where(MANY[:, 0] > 0, "x", "y"),
    d=pd.Categorical(np.where(MANY[:, 1] > 0, "p", "q"), categories=["q", "p"]),
    e=pd.date_range("2024-01-01", periods=210, freq="D"),
)
FRAME.loc[::9, "a"] = np.nan
IMAGES = waves(8, 8, 8)
CORNERS = np.arange(16).reshape(8, 2) % 4
UTTERANCES = [np.repeat(np.eye(2)[[k % 2, k // 2 % 2]], 4, axis=0) for k in range(8)]
TRANSCRIPTS = ["".join("ab"[int(frame.argmax())] for frame in x[::4]) for x in UTTERANCES]
PAIRS = [(f"u{u}", f"i{i}") for u in range(6) for i in range(5) if (u + i) % 2]
TEXTS = ["red blue red", "blue green", "red green blue", "yellow red"]
QUICK = {"max_epochs": 2, "random_state": 0}
SMALL = {**QUICK, "hidden_layer_sizes": (3,)}
ONE = {**SMALL, "n_members": 1, "numeric_encoding": "standard", "early_stopping": False}

CASES = {
    "regressor": Golden(
        NeuralRegressor(
            "gaussian_nll", n_members=2, calibrate=True, early_stopping=True, **SMALL
        ).set_params(numeric_encoding="robust"),
        FRAME,
        MANY[:, 0],
        ("predict", "predict_quantiles", "predict_interval", "predict_std"),
        FRAME[:12],
    ),
    "classifier": Golden(
        NeuralClassifier("focal", n_members=2, **SMALL),
        TABLE,
        CLASSES,
        ("predict", "predict_proba", "decision_function"),
    ),
    "partially fitted": Golden(NeuralRegressor("huber", warm_start=True, **ONE), TABLE, Y),
    "segmenter": Golden(
        NeuralSegmenter("dice", module_params={"channels": (2, 2)}, **QUICK),
        IMAGES,
        np.where(IMAGES > 0, "on", "off"),
        ("predict", "decision_function"),
        IMAGES[:2],
    ),
    "boxes": Golden(
        NeuralBoxRegressor("giou", module_params={"channels": (2, 2)}, **QUICK),
        IMAGES,
        np.column_stack((CORNERS, CORNERS + 3)),
    ),
    "tasks": Golden(
        NeuralMultiTask({"size": "huber", "kind": "cross_entropy"}, **SMALL),
        TABLE,
        pd.DataFrame({"size": Y, "kind": CLASSES}),
        ("predict", "predict_proba"),
        TABLE[:5],
    ),
    "ranker": Golden(
        NeuralRanker("listnet", **SMALL),
        pd.DataFrame(TABLE, columns=list("abc")).assign(qid=np.repeat(np.arange(8), 5)),
        np.digitize(Y, [-0.3, 0.3]),
    ),
    "recommender": Golden(
        Recommender("bpr", n_factors=2, **QUICK), PAIRS, None, ("recommend",), ["u0", "u3"]
    ),
    "transcriber": Golden(
        SequenceTranscriber("ctc", module_params={"widths": (3,)}, **QUICK),
        UTTERANCES,
        TRANSCRIPTS,
        ("predict", "predict_log_proba"),
        UTTERANCES[:2],
    ),
    "vectorizer": Golden(TokenVectorizer(), TEXTS, None, ("transform",)),
    "embedder": Golden(
        MetricEmbedder("triplet", n_components=2, **SMALL), TABLE, CLASSES, ("transform",)
    ),
    "search": Golden(
        LossSearchCV(NeuralRegressor(**ONE), {"loss": ["mse", "mae"]}, cv=2), TABLE, Y
    ),
    "grid": Golden(GridSearchCV(NeuralRegressor(**ONE), {"lr": [0.01, 0.02]}, cv=2), TABLE, Y),
    "pipeline": Golden(
        TransformedTargetRegressor(
            make_pipeline(
                make_column_transformer(
                    (StandardScaler(), ["b"]),
                    (OneHotEncoder(), ["c"]),
                    (FunctionTransformer(np.tanh), ["b"]),
                ),
                NeuralRegressor(**ONE),
            ),
            func=np.arcsinh,
            inverse_func=np.sinh,
        ),
        FRAME,
        MANY[:, 0],
        asked=FRAME[:12],
    ),
}
