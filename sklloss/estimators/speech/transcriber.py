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

    X is a list of utterances of different lengths, such as speech, handwriting or printed lines,
    and y a list of their transcripts.  No alignment of frames and symbols is needed, because the
    losses sum over all alignments.

    %(parameters)s

    Attributes
    ----------
    symbols_ : list
        The tokens of the training transcripts, sorted.  They are the outputs 1, 2 ... of every
        frame; output 0 is the blank.
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
        doc="""The network: "sequence", or your own.  A class or factory receives ``n_features``
        and ``n_outputs`` (or other usual names).  It maps (n, n_frames, n_features + 1), whose last
        column is 1 on real frames and 0 after the end of an utterance, to
        (n, n_frames_out, n_outputs).  Frames after the end have to be those of
        ``sklloss.losses.certain_blank_where``.  A network that shortens utterances needs a method
        ``n_frames_out(n_frames)``.""",
    )
    module_params: dict[str, Any] | None = redeclared(
        NetworkParameters,
        "module_params",
        doc="""Further arguments of the network, also set as ``module__x`` in ``set_params`` and
        grids.  Those of ``module="sequence"`` are ``widths``, ``kernel_size``, ``stride``, ``cell``
        ("conv", "gru" or "lstm") and ``n_units``.""",
    )
    hidden_layer_sizes: Any = redeclared(
        HiddenLayerParameters,
        "hidden_layer_sizes",
        default=(),
        doc="Widths of the dense layers between recurrence, or convolutions, and output.",
        remedy="Give one width per hidden layer, such as (64, 64), or () for none.",
    )
    dropout: float = redeclared(NetworkParameters, "dropout", default=0.2)
    lr: float | str = redeclared(OptimizationParameters, "lr", default=0.002)
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Utterances per step, of similar lengths; "auto" is 32 (all, if there are fewer or for
        lbfgs).""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters,
        "max_epochs",
        default=50,
        doc="Maximum number of passes over the utterances.",
    )
    tokens: str = parameter(
        "char",
        Choice("char", "word"),
        """How transcripts that are strings are split: into characters, or into words at white
        space.  Transcripts that are sequences of labels are not split.""",
        kind='{"char", "word"}',
        fixed=True,
    )
    decoding: str = parameter(
        "greedy",
        Choice("greedy", "beam"),
        """How to predict: the likeliest path of frames ("greedy"), or the likeliest transcript that
        a prefix beam search finds ("beam").  It may be changed after the fit.""",
        kind='{"greedy", "beam"}',
    )
    beam_width: int = parameter(
        10, COUNT, "Number of prefixes that the beam search keeps.", kind="int"
    )
    features: str | None = parameter(
        None,
        Choice(None, "log_mel"),
        """None: X has arrays of shape (n_frames, n_features).  "log_mel": X has waveforms of shape
        (n_instants,), whose log-mel features are computed internally; int16 and int32, as in sound
        files, are divided by their largest value.  This needs the package librosa.""",
        kind='{"log_mel"} or None',
        fixed=True,
    )
    sampling_rate: float = parameter(
        16_000, POSITIVE, "Samples per second of a waveform.", kind="float", fixed=True
    )
    n_mels: int = parameter(40, COUNT, "Number of mel bands.", kind="int", fixed=True)
    window_seconds: float = parameter(
        0.025, POSITIVE, "Length of a frame, in seconds.", kind="float", fixed=True
    )
    hop_seconds: float = parameter(
        0.01,
        POSITIVE,
        "Time between the starts of two frames, in seconds.",
        kind="float",
        fixed=True,
    )
    scale_inputs: bool = redeclared(
        InputParameters,
        "scale_inputs",
        doc="Whether features are standardised internally, over the frames of all utterances.",
    )
    augment: Any = redeclared(
        AugmentParameters,
        "augment",
        doc="""Random changes of training utterances, such as masks over time and frequency: a
        function from a tensor (n, n_frames, n_features), on the scale of the features and 0 after
        the end of an utterance, to one of the same shape; seeded as in `NeuralRegressor`.""",
    )
    dtype: str = redeclared(RunParameters, "dtype", default="float32")
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Number of networks that are trained, with the seeds random_state, random_state + 1
        ...; the probabilities of frames are means over them.""",
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
            Utterances of any lengths, without missing values; with ``features="log_mel"`` waveforms
            of shape (n_instants,).
        y : list of str or of sequences of labels
            Transcripts.  Some may be empty, but not all.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the utterances, >= 0.  An utterance of weight 2 counts as two equal ones, one
            of weight 0 as none.

        %(fitted)s
        """
        return self._train(FitData(X, y, sample_weight), go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any, symbols: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch; scaling and symbols are those of the first call.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            Utterances, as in `fit`.
        y : list of str or of sequences of labels
            Transcripts, as in `fit`.
        symbols : sequence or None, default=None
            In the first call, further tokens that later calls may contain.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, as in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        return self._train(FitData(X, y, sample_weight, named=symbols), epochs=1, go_on=True)

    def predict(self, X: Any) -> list[Any]:
        """Transcribe utterances.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            Utterances, as in `fit`.

        Returns
        -------
        list of str, or of lists of labels
            Transcripts, of the type of y in `fit`.
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
        X : list of array-like of shape (n_frames, n_features)
            Utterances, as in `fit`.

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
        X : list of array-like of shape (n_frames, n_features)
            Utterances, as in `fit`.

        Returns
        -------
        list of ndarray of shape (n_frames_out, n_symbols + 1)
            Logarithms of the probabilities, -inf for 0.
        """
        with np.errstate(divide="ignore"):
            return [np.log(probabilities) for probabilities in self.predict_proba(X)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return 1 minus the token error rate.

        Tokens that did not occur in training count as errors.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            Utterances, as in `fit`.
        y : list of str or of sequences of labels
            True transcripts.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the utterances, >= 0.

        Returns
        -------
        float
            1 if all transcripts are right; negative if there are more errors than tokens.
        """
        transcripts, references = (Tokenized.of(each, self.tokens) for each in (self.predict(X), y))
        self._learned.target.check_kind(references)
        return 1 - token_error_rate(references.rows, transcripts.rows, sample_weight)

    def to_module(self, output: str = "predict_log_proba") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module`` that takes padded utterances.

        %(module)s

        Parameters
        ----------
        output : {"predict_log_proba", "predict_proba", "raw"}, default="predict_log_proba"
            What the module returns for every frame; "raw" are logits, averaged over members.

        Returns
        -------
        UtteranceModule
            A module that takes unscaled frames (n, n_frames, n_features) and lengths (n,); compute
            log-mel features beforehand.

        Raises
        ------
        ValueError
            If `output` is not one of these.
        NotFittedError
            If the estimator is not fitted.
        """
        return self._exported(output, self._answers, UtteranceModule)
