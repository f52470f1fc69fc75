"""SequenceTranscriber: a network that turns sequences of frames into sequences of symbols."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from ...parameters.declared import declare, parameter, redeclared
from ...parameters.domains import Choice
from ..fit.documentation import documented
from ..fit.estimator import NeuralEstimator
from ..fit.loss_parameter import LossParameter
from ..fit.parameters import (
    COUNT,
    POSITIVE,
    AugmentParameters,
    HiddenLayerParameters,
    InputParameters,
    NetworkParameters,
    OptimizationParameters,
    RunParameters,
)
from ..inputs.data import FitData
from ..targets.answers import answered
from ..targets.fitted_module import FittedModule
from .decoding import beam_search, greedy
from .edit_distance import token_error_rate
from .log_mel import LogMel
from .transcripts import Transcripts
from .utterance_module import UtteranceModule
from .utterances import Utterances, frames_out_of
from .vocabulary import Tokenized

# Most utterances that are transcribed at once.
ROWS_AT_ONCE = 1024


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class SequenceTranscriber(
    AugmentParameters, InputParameters, HiddenLayerParameters, NetworkParameters, NeuralEstimator
):
    """A neural network that transcribes sequences, trained on the loss of your choice.

    X is a list of utterances of different lengths (speech, handwriting, printed lines), y a list of
    their transcripts.  No alignment of frames and symbols is needed: the losses sum over all of
    them.

    %(parameters)s

    Attributes
    ----------
    symbols_ : list
        The tokens of the training transcripts, sorted: outputs 1, 2 ... of every frame; output 0
        is the blank.
    %(attributes)s

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = ["".join(rng.choice(list("abc"), size=3)) for _ in range(60)]
    >>> X = [np.repeat([[c == s for s in "abc"] + [False] for c in text], 6, axis=0) for text in y]
    >>> for x in X:
    ...     x[::6] = [False, False, False, True]
    >>> model = SequenceTranscriber(max_epochs=30, random_state=0).fit(X, y)
    >>> model.score(X, y)
    1.0
    """

    _loss: ClassVar[LossParameter] = LossParameter("transcription")
    _built_ins: ClassVar[tuple[str, ...]] = ("sequence",)

    loss: Any = field(
        default="ctc",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name of ``list_losses("transcription")``, a class or instance
            of it, or your own subclass of ``sklloss.losses.TranscriptionLoss``.""",
            kind="str or Loss",
        ),
    )
    module: Any = redeclared(
        NetworkParameters,
        "module",
        default="sequence",
        doc="""The network.  Your own receives ``n_features`` and ``n_outputs`` (or other of the
        usual names), and turns (n, n_frames, n_features + 1), whose last column is 1 on real frames
        and 0 after the end of an utterance, into (n, n_frames_out, n_outputs).  After the end it
        puts out ``sklloss.losses.certain_blank_where``.  If it shortens utterances, it has a method
        ``n_frames_out(n_frames)``.""",
    )
    module_params: dict[str, Any] | None = redeclared(
        NetworkParameters,
        "module_params",
        doc="""Further arguments of the network, also as ``module__x`` of ``set_params`` and grids:
        those of ``module="sequence"`` are ``widths``, ``kernel_size``, ``stride``, ``cell``
        ("conv", "gru" or "lstm") and ``n_units``.""",
    )
    hidden_layer_sizes: Any = redeclared(
        HiddenLayerParameters,
        "hidden_layer_sizes",
        default=(),
        doc="Widths of the dense layers between the network's last frame and its output.",
        remedy="Give one width per hidden layer, as (64, 64), or () for none.",
    )
    dropout: float = redeclared(NetworkParameters, "dropout", default=0.2)
    lr: float | str = redeclared(OptimizationParameters, "lr", default=0.002)
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Utterances per step, drawn so that those of a batch are about equally long; "auto" is
        32 (all, where there are fewer or for lbfgs).""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters, "max_epochs", default=50, doc="Passes over the utterances, at most."
    )
    tokens: str = parameter(
        "char",
        Choice("char", "word"),
        """What the symbols of strings are: characters, or words between white space.  Transcripts
        that are sequences of labels keep these.""",
        kind='{"char", "word"}',
        fixed=True,
    )
    decoding: str = parameter(
        "greedy",
        Choice("greedy", "beam"),
        """The likeliest path of frames, or the likeliest transcript among those that a prefix beam
        search keeps.  It may change after the fit.""",
        kind='{"greedy", "beam"}',
    )
    beam_width: int = parameter(10, COUNT, "How many prefixes the beam search keeps.", kind="int")
    features: str | None = parameter(
        None,
        Choice(None, "log_mel"),
        """None: X holds arrays (n_frames, n_features).  "log_mel": X holds waveforms
        (n_instants,), whose log-mel features are computed inside; int16 and int32, as sound files
        hold them, are divided by their largest.  It needs the package librosa.""",
        kind='{"log_mel"} or None',
        fixed=True,
    )
    sampling_rate: float = parameter(
        16_000, POSITIVE, "Instants per second of a waveform.", kind="float", fixed=True
    )
    n_mels: int = parameter(40, COUNT, "Bands of pitch.", kind="int", fixed=True)
    window_seconds: float = parameter(
        0.025, POSITIVE, "How much of a waveform a frame covers.", kind="float", fixed=True
    )
    hop_seconds: float = parameter(
        0.01, POSITIVE, "How far apart the frames of a waveform are.", kind="float", fixed=True
    )
    scale_inputs: bool = redeclared(
        InputParameters,
        "scale_inputs",
        doc="Whether features are standardised inside, over the frames of all utterances.",
    )
    augment: Any = redeclared(
        AugmentParameters,
        "augment",
        doc="""Changes training utterances, as masking bands of time and pitch does: from a tensor
        (n, n_frames, n_features) on the scale of the features, 0 after the end of an utterance,
        where nothing can be put, to one of the same shape; seeded as in `NeuralRegressor`.""",
    )
    dtype: str = redeclared(RunParameters, "dtype", default="float32")
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Networks that are trained, with the seeds random_state, random_state + 1 ...; the
        probabilities of frames are means over them.""",
    )

    @property
    def _inputs(self) -> Utterances:
        if self.features is None:
            return Utterances()
        seconds = self.window_seconds, self.hop_seconds
        return Utterances(log_mel=LogMel(self.sampling_rate, self.n_mels, *seconds))

    @property
    def _target(self) -> Transcripts:
        return Transcripts(self.tokens)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            Utterances, each of its own length; no number missing.  With ``features="log_mel"``
            waveforms, of shape (n_instants,).
        y : list of str or of sequences of labels
            Their transcripts.  Some may be empty, not all.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of the utterances; weight 2 is an utterance repeated, weight 0 one
            removed.

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, symbols: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on these utterances; scaling and symbols are those of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        symbols : sequence or None, default=None
            All tokens that later calls may bring, beside those of the first call's y.

        Returns
        -------
        self
        """
        return self._train(FitData(X, y, sample_weight, named=symbols), epochs=1, go_on=True)

    def predict(self, X: Any) -> list[Any]:
        """Transcribe utterances.

        Parameters
        ----------
        X : list of array-like, as in `fit`

        Returns
        -------
        list of str, or of lists of labels
            What y was in training.
        """
        self._check_param("decoding")
        self._check_param("beam_width")
        log_p = self.predict_log_proba(X)
        if self.decoding == "greedy":
            found = [greedy(of_one) for of_one in log_p]
        else:
            found = [beam_search(of_one, self.beam_width)[0][0] for of_one in log_p]
        return [self._learned.target.decode(indices) for indices in found]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Return the probabilities of blank and symbols in every frame.

        Parameters
        ----------
        X : list of array-like, as in `fit`

        Returns
        -------
        list of ndarray of shape (n_frames_out, n_symbols + 1)
            Column 0 is the blank, column k the symbol ``symbols_[k - 1]``.
        """
        answers = {"proba": self._answers["predict_proba"]}
        rows = self._prediction_rows(X)
        frames_out = frames_out_of(self.net_.module_)
        size = self.net_.attach().rows_at_once(ROWS_AT_ONCE, rows.row_shape)
        found: list[Any] = [None] * len(rows)
        for index in rows.lengths.argsort(stable=True).split(size):
            of_batch = answered(answers, self.members_, rows.take(index))["proba"]
            for k, of_row in zip(index.tolist(), of_batch, strict=True):
                found[k] = of_row[: frames_out(int(rows.lengths[k]))]
        return found

    def predict_log_proba(self, X: Any) -> list[np.ndarray]:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : list of array-like, as in `fit`

        Returns
        -------
        list of ndarray, as of `predict_proba`
        """
        with np.errstate(divide="ignore"):
            return [np.log(probabilities) for probabilities in self.predict_proba(X)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return 1 - token error rate: 1 is perfect, and more errors than tokens are negative.

        Tokens that were not there in training count as errors.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
        """
        transcripts, references = (Tokenized.of(each, self.tokens) for each in (self.predict(X), y))
        self._learned.target.check_kind(references)
        return 1 - token_error_rate(references.rows, transcripts.rows, sample_weight)

    def to_module(self, output: str = "predict_log_proba") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from padded utterances to their frames.

        %(module)s

        Parameters
        ----------
        output : {"predict_log_proba", "predict_proba", "raw"}, default="predict_log_proba"
            What comes out of every frame; "raw" are logits, means over members.

        Returns
        -------
        UtteranceModule
            From frames (n, n_frames, n_features), not scaled, and lengths (n,); log-mel features
            come before.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.
        """
        return self._exported(output, self._answers, UtteranceModule)
