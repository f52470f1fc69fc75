"""SequenceTranscriber: a network that turns sequences of frames into shorter sequences of symbols."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ...losses.base import Loss, Task
from ...losses.speech.paths import BLANK, frames_needed
from ...losses.speech.transcription import FRAMES_PER_SYMBOL
from ...modules import build_module
from ...training import AugmentFrames, LossNet, RaggedRows, TrainingSet, generator
from ..fit.nets import Start
from ..fit.parameters import DOMAINS
from ..fit.prepared import Shelf
from ..fit.sample import Sample
from ..inputs.ragged import RaggedEstimator
from ..targets.answers import FittedModule, chosen_reading
from .decoding import beam_search, greedy
from .edit_distance import token_error_rate
from .frames import check_frames, frames_out_of, symbols_per_frame
from .log_mel import LogMel
from .transcripts import Transcripts, Vocabulary
from .utterance_module import UtteranceModule, utterance_readings
from .utterances import as_rows, check_long_enough, checked_utterances

ROWS_AT_ONCE = 1024  # that are transcribed
SELDOM = 1e-3  # symbols per frame, at least, where training starts


class SequenceTranscriber(RaggedEstimator):
    """A neural network that transcribes sequences, trained on the loss of your choice: speech, handwriting, printed lines.

    X is a list of utterances of different lengths, y a list of their transcripts.  Nobody says which frames say which symbol: the
    losses sum over all ways to align them.

    Parameters
    ----------
    loss : str or Loss, default="ctc"
        What is minimised: a name of ``list_losses("transcription")``, a class or instance of it, or your own subclass of
        ``sklloss.losses.TranscriptionLoss``.
    module : str, nn.Module class, instance or factory, default="sequence"
        The network.  Your own receives ``n_features`` and ``n_outputs`` (or other of the usual names), and turns
        (n, n_frames, n_features + 1), whose last column is 1 on real frames and 0 behind the end of an utterance, into
        (n, n_frames_out, n_outputs).  Behind the end it puts ``sklloss.losses.certain_blank_where``.  If it shortens utterances, it has
        a method ``n_frames_out(n_frames)``.
    module_params : dict or None, default=None
        Further arguments of the network, also as ``module__x`` of ``set_params`` and grids: those of ``module="sequence"`` are ``widths``,
        ``kernel_size``, ``stride``, ``cell`` ("conv", "gru" or "lstm") and ``n_units``.
    hidden_layer_sizes : int or tuple of int, default=()
        Widths of the dense layers between the network's last frame and its output.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation of the hidden layers.
    dropout : float, default=0.2
        Probability, in [0, 1), with which a hidden number is set to 0 in training.
    optimizer, optimizer_params, max_epochs, weight_decay, l1
        As in `NeuralRegressor`; `max_epochs` is 50.
    lr : float or "auto", default=0.002
        Learning rate, > 0.
    batch_size : int or "auto", default="auto"
        Utterances per step; "auto" is 32.  They are drawn so that those of a batch are about as long as each other.
    tokens : {"char", "word"}, default="char"
        What the symbols of strings are: characters, or words between white space.  Transcripts that are sequences of labels keep
        these.
    decoding : {"greedy", "beam"}, default="greedy"
        The likeliest path of frames, or the likeliest transcript among those that a prefix beam search keeps.  It may change after the
        fit.
    beam_width : int, default=10
        How many beginnings the beam search keeps.
    features : {"log_mel"} or None, default=None
        None: X holds arrays (n_frames, n_features).  "log_mel": X holds waveforms (n_instants,), whose log-mel features are computed
        inside; int16 and int32, as sound files hold them, are divided by their largest.  It needs the package librosa.
    sampling_rate : float, default=16000
        Instants per second of a waveform.
    n_mels : int, default=40
        Bands of pitch.
    window_seconds, hop_seconds : float, default=0.025, 0.01
        How long a frame looks, and how far frames are apart.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`.
    scale_inputs : bool, default=True
        Whether features are standardised inside, over the frames of all utterances.
    augment : callable or None, default=None
        Changes training utterances, as masking bands of time and pitch does: from a tensor (n, n_frames, n_features) on the scale of
        the features, 0 behind the end of an utterance, where nothing can be put, to one of the same shape; seeded as in `NeuralRegressor`.
    dtype : {"auto", "float32", "float64"}, default="float32"
        Precision of training.
    callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; the probabilities of frames are means over them.

    Attributes
    ----------
    symbols_ : list
        The tokens of the training transcripts, sorted: outputs 1, 2 ... of every frame; output 0 is the blank.
    loss_, loss_state_, net_, members_, history_, n_iter_, n_features_in_
        As in `NeuralRegressor`.

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

    _task: Task = "transcription"
    _built_ins = ("sequence",)
    _vocabulary: Vocabulary
    _symbols_given: Any = None
    symbols_: list[Any]

    def __init__(
        self,
        loss: Any = "ctc",
        *,
        module: Any = "sequence",
        module_params: dict[str, Any] | None = None,
        hidden_layer_sizes: Any = (),
        activation: str = "relu",
        dropout: float = 0.2,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = 0.002,
        batch_size: int | str = "auto",
        max_epochs: int = 50,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        tokens: str = "char",
        decoding: str = "greedy",
        beam_width: int = 10,
        features: str | None = None,
        sampling_rate: float = 16_000,
        n_mels: int = 40,
        window_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scale_inputs: bool = True,
        augment: Any = None,
        dtype: str = "float32",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.module = module
        self.module_params = module_params
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.l1 = l1
        self.tokens = tokens
        self.decoding = decoding
        self.beam_width = beam_width
        self.features = features
        self.sampling_rate = sampling_rate
        self.n_mels = n_mels
        self.window_seconds = window_seconds
        self.hop_seconds = hop_seconds
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scale_inputs = scale_inputs
        self.augment = augment
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SequenceTranscriber:
        """Train the network.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or of waveforms (n_instants,) with ``features="log_mel"``
            Utterances, each of its own length; no number missing.
        y : list of str or of sequences of labels
            Their transcripts.  Some may be empty, not all.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of the utterances; weight 2 is an utterance repeated, weight 0 one removed.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data or parameters are outside what is allowed; the message names which row.
        FloatingPointError
            If training turns NaN or infinite.
        """
        with self._unchanged_by_failure():
            self._symbols_given = None
            return self._fit(X, y, sample_weight)

    def partial_fit(
        self, X: Any, y: Any, symbols: Any = None, sample_weight: Any = None
    ) -> SequenceTranscriber:
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
        with self._unchanged_by_failure():
            if not hasattr(self, "net_"):
                self._symbols_given = symbols
            return self._fit_one_epoch(X, y, sample_weight)

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        utterances = self._utterances(X, first)
        transcripts = Transcripts.of(y, self.tokens)
        if len(utterances) != len(transcripts.rows):
            raise ValueError(
                f"X has {len(utterances)} utterances and y {len(transcripts.rows)} transcripts. Give one transcript per utterance."
            )
        if first:
            self._is_text = transcripts.is_text
        else:
            self._vocabulary.check_kind(transcripts)
            self._vocabulary.check_known(transcripts)
        return utterances, as_rows(transcripts.rows)

    def _utterances(self, X: Any, first: bool) -> np.ndarray:
        """Return checked features of utterances, in an array of objects."""
        if self.features is None:
            utterances = checked_utterances(X, n_axes=2)
        else:
            waveforms = checked_utterances(X, n_axes=1)
            utterances = as_rows(self._log_mel.transform(waveforms))
        width = utterances[0].shape[1]
        if first:
            self.n_features_in_ = width
            self._input_shape = (width,)
        elif width != self.n_features_in_:
            raise ValueError(
                f"X has {width} features per frame, but {type(self).__name__} is expecting {self.n_features_in_} features as input. Give"
                " the features that it was trained on."
            )
        return utterances

    @property
    def _log_mel(self) -> LogMel:
        return LogMel(self.sampling_rate, self.n_mels, self.window_seconds, self.hop_seconds)

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        transcripts = Transcripts(list(y), self._is_text)
        if first:
            self._vocabulary = Vocabulary.of(transcripts, self.tokens, self._symbols_given)
            self.symbols_ = list(self._vocabulary.symbols)
        return self._vocabulary.encode(transcripts)

    @property
    def _n_classes(self) -> int:
        return self._vocabulary.n_outputs

    def _check_suits(self, loss: Loss, sample: Sample) -> None:
        """Refuse utterances that are shorter than their transcripts."""
        frames_out = frames_out_of(self._any_module())
        frames = np.array([frames_out(len(utterance)) for utterance in sample.X])
        needed = frames_needed(torch.from_numpy(sample.y)).numpy()
        check_long_enough(frames, needed, sample.kept)

    def _any_module(self) -> nn.Module:
        """Return a network of the shape that is trained."""
        params, source = self._module_params(), generator(0, "weights")
        return build_module(self.module, self._input_shape, self._n_classes, params, source)

    def _joined(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate(list(X)), np.array([len(utterance) for utterance in X])

    @property
    def _raw_shape(self) -> tuple[int, int]:
        return -1, self._n_classes  # frames, outputs

    def _module(self, start: Start, data: TrainingSet, seed: int) -> nn.Module:
        """Return a network that starts by saying as many symbols per frame as there are."""
        module: Any = super()._module(start, data, seed)
        if isinstance(self.module, str):
            said = symbols_per_frame(data, frames_out_of(module)).clamp(SELDOM, 0.5)
            log_odds = (1 / said - 1).log() - log(FRAMES_PER_SYMBOL - 1)
            module.output_bias.data[BLANK] += log_odds
        return module

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        check_frames(module, few, start.baseline.numel(), start.loss.label)

    def _batch_change(self, data: TrainingSet) -> AugmentFrames | None:
        return None if self.augment is None else AugmentFrames(self.augment, self._input_scaler)

    # ------------------------------------------------------------------ use

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
        self._check_param("decoding", self.decoding, DOMAINS["decoding"])
        self._check_param("beam_width", self.beam_width, DOMAINS["beam_width"])
        return [self._transcript(log_p) for log_p in self.predict_log_proba(X)]

    def _transcript(self, log_p: np.ndarray) -> Any:
        if self.decoding == "greedy":
            return self._vocabulary.decode(greedy(log_p))
        return self._vocabulary.decode(beam_search(log_p, self.beam_width)[0][0])

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
        check_is_fitted(self, "net_")
        rows = self._ragged(*self._joined(self._utterances(X, first=False)))
        frames_out = frames_out_of(self.net_.module_)
        found: list[Any] = [None] * len(rows)
        for index, probabilities in self._by_length(rows):
            for k, of_row in zip(index.tolist(), probabilities, strict=True):
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
        """Return 1 - token error rate: 1 is perfect, and it is negative where more is wrong than was said.

        Tokens that were not there in training count as errors.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
        """
        heard = Transcripts.of(self.predict(X), self.tokens)
        said = Transcripts.of(y, self.tokens)
        self._vocabulary.check_kind(said)
        return 1 - token_error_rate(said.rows, heard.rows, sample_weight)

    def to_module(self, output: str = "predict_log_proba") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from padded utterances to what it says of every frame.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``.

        Parameters
        ----------
        output : {"predict_log_proba", "predict_proba", "raw"}, default="predict_log_proba"
            What comes out of every frame; "raw" are logits, means over members.

        Returns
        -------
        UtteranceModule
            From frames (n, n_frames, n_features), not scaled, and lengths (n,); log-mel features come before.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self, "net_")
        said = chosen_reading(utterance_readings(self.loss_), output, self.loss_.label)
        return UtteranceModule.of_nets(self.members_, self._input_scaler, self._input_shape, said)

    def _by_length(self, rows: RaggedRows) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Yield indices of utterances of about the same length, and probabilities (n, frames, outputs), means over members."""
        size = self.net_.attach().rows_at_once(ROWS_AT_ONCE, rows.row_shape)
        for index in rows.lengths.argsort(stable=True).split(size):
            X = rows.take(index).unsqueeze(0)
            of_members = [self._probabilities(net, X) for net in self.members_]
            yield index, torch.stack(of_members).mean(0).cpu().numpy()

    def _probabilities(self, net: LossNet, X: Tensor) -> Tensor:
        raw = net.attach().infer(X).unflatten(-1, (-1, self._n_classes))
        return self.loss_.inverse_link(raw, net.criterion_.state)[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = False
        return tags
