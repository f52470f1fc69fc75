"""Names of others are imported only where the caller trusts them, and code never runs otherwise."""

import sys
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from torch import nn

from sklloss import NeuralRegressor
from sklloss.persistence import load, save
from sklloss.persistence.codecs import CODECS
from sklloss.persistence.container import Content, to_bytes
from sklloss.persistence.graph import Writer

from .every_answer import assert_same, assert_same_answers
from .own_parts import (
    HERE,
    Counts,
    Doubled,
    Mine,
    Net,
    Quartic,
    Shift,
    Stateful,
    cubic,
    factory,
    jitter,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = X[:, 0] + 0.1 * RNG.normal(size=40)
QUICK = {"max_epochs": 2, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:Training of loss")

MODELS = {
    "class": (NeuralRegressor(module=Net, **QUICK), ["Net"]),
    "instance": (NeuralRegressor(module=Net(3), **QUICK), ["Net"]),
    "factory": (NeuralRegressor(module=factory, **QUICK), ["factory"]),
    "loss function": (NeuralRegressor(cubic, **QUICK), ["cubic"]),
    "loss module": (NeuralRegressor(Quartic(2.0), **QUICK), ["Quartic"]),
    "loss class": (NeuralRegressor(Quartic, **QUICK), ["Quartic"]),
    "loss value": (NeuralRegressor(Doubled(3.0), **QUICK), ["Doubled"]),
    "subclass": (Mine(), ["Mine"]),
    "callback": (NeuralRegressor(callbacks=[Counts(3)], **QUICK), ["Counts"]),
    "step": (make_pipeline(Shift(0.5), NeuralRegressor(**QUICK)), ["Shift"]),
    "everything": (
        make_pipeline(Shift(), NeuralRegressor(cubic, module=Net, callbacks=[Counts()], **QUICK)),
        ["Counts", "Net", "Shift", "cubic"],
    ),
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.sklloss"


@pytest.mark.parametrize(("model", "names"), MODELS.values(), ids=MODELS)
def test_own_parts_need_trust_by_name(model, names, file):
    model.fit(X, Y)
    save(model, file)
    full = [f"{HERE}.{name}" for name in names]
    with pytest.raises(ValueError, match="is not loaded") as error:
        load(file)
    assert f"trusted={full}" in str(error.value)
    for k in range(len(full)):
        with pytest.raises(ValueError, match=full[k]):
            load(file, trusted=full[:k] + full[k + 1 :])
    loaded = load(file, trusted=[*full, "something.Else"])
    assert_same_answers(model, loaded, X)
    for each in (model, loaded):
        each.fit(X, Y)
    assert_same(model.predict(X), loaded.predict(X))


def test_callbacks_keep_what_they_have_seen_and_stay_one_object(file):
    callbacks = [Counts(3), ("other", Counts(0)), ("stop", EarlyStopping("train_loss"))]
    model = NeuralRegressor(callbacks=callbacks, **QUICK)
    model.partial_fit(X, Y)
    save(model, file)
    loaded = load(file, trusted=[f"{HERE}.Counts"])
    assert loaded.callbacks[0].seen_ == model.callbacks[0].seen_ == 4
    assert loaded.callbacks[1][1].seen_ == 1
    assert loaded.callbacks[0] is loaded.net_.callbacks[0]
    for each in (model, loaded):
        each.partial_fit(X, Y)
    assert loaded.callbacks[0].seen_ == 5
    assert_same(model.predict(X), loaded.predict(X))


def test_callbacks_of_skorch_that_only_compute_need_no_trust(file):
    from torch.optim.lr_scheduler import StepLR

    callbacks = [
        LRScheduler(StepLR, step_size=1, gamma=0.5),
        EarlyStopping("train_loss", patience=50),
        EpochScoring("r2", on_train=True, name="fit"),
    ]
    model = NeuralRegressor(callbacks=callbacks, **QUICK)
    model.partial_fit(X, Y)
    save(model, file)
    loaded = load(file)
    for each in (model, loaded):
        each.partial_fit(X, Y)
    assert_same(model.predict(X), loaded.predict(X))
    assert [row["fit"] for row in model.history_] == [row["fit"] for row in loaded.history_]


def test_callbacks_that_write_files_need_trust(file, tmp_path):
    save(NeuralRegressor(callbacks=[Checkpoint(dirname=str(tmp_path))]), file)
    with pytest.raises(ValueError, match=r"skorch.callbacks.training.Checkpoint"):
        load(file)
    trusted = ["skorch.callbacks.training.Checkpoint", "skorch.utils.noop"]
    assert load(file, trusted=trusted).callbacks[0].dirname == str(tmp_path)


def test_networks_and_functions_of_torch_need_no_trust(file):
    module = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 1))
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=nn.functional.gelu, batch_first=True)
    deep = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 4)), layer, nn.Flatten())
    for each in (module, nn.Sequential(deep, nn.Linear(4, 1))):
        model = NeuralRegressor(nn.HuberLoss(delta=0.5), module=each, **QUICK).fit(X, Y)
        save(model, file)
        assert_same_answers(model, load(file), X)


def test_augmentation_of_the_user(file):
    model = NeuralRegressor(module="cnn", module_params={"channels": (2,)}, augment=jitter, **QUICK)
    images = np.tile(X[:, :1, None], (1, 4, 4))
    try:
        model.partial_fit(images, Y)
    except TypeError:
        pytest.skip("regressors have no augment")
    save(model, file)
    loaded = load(file, trusted=[f"{HERE}.jitter"])
    for each in (model, loaded):
        each.partial_fit(images, Y)
    assert_same(model.predict(images), loaded.predict(images))


def local_function(prediction, y):
    return (prediction - y) ** 2


def test_what_cannot_be_imported_is_refused_by_its_name_and_place(file, monkeypatch):
    def inner(prediction, y):
        return (prediction - y) ** 2

    in_main = local_function
    monkeypatch.setattr(in_main, "__module__", "__main__")
    net = Net(3)
    net.register_forward_hook(lambda *args: None)
    refused = {
        r"NeuralRegressor\.loss: it is a lambda": NeuralRegressor(lambda p, y: (p - y) ** 2),
        r"NeuralRegressor\.loss: the function .*inner' is defined inside": NeuralRegressor(inner),
        r"'local_function' is defined in __main__": NeuralRegressor(in_main),
        r"method 'Counts.initialize'": NeuralRegressor(Counts().initialize),
        r"callbacks\.0\.start: it is a lambda": NeuralRegressor(callbacks=[Counts(lambda: 0)]),
        r"Stateful is more than its attributes": NeuralRegressor(callbacks=[Counts(Stateful())]),
        r"forward_hooks": NeuralRegressor(module=net),
        r"Pipeline\.steps\.0\.1\.by: it is a lambda": make_pipeline(Shift(lambda: 0)),
        r"NeuralRegressor\.loss\.func: it is a lambda": NeuralRegressor(
            partial(lambda p, y, k: p - y, k=1)
        ),
    }
    for message, model in refused.items():
        with pytest.raises(TypeError, match=message):
            save(model, file)
    with pytest.raises(TypeError, match="lambda"):
        save(NeuralRegressor(lambda p, y: (p - y) ** 2, **QUICK).fit(X, Y), file)
    assert not file.exists()


def test_a_fitted_lambda_step_of_scikit_learn_is_refused(file):
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(lambda X: X), NeuralRegressor(**QUICK)).fit(X, Y)
    with pytest.raises(TypeError, match=r"lambda.*top level"):
        save(model, file)


def test_names_that_are_not_there_any_more_say_what_to_do(file, monkeypatch):
    save(NeuralRegressor(module=Net), file)
    monkeypatch.setitem(sys.modules, HERE, None)
    with pytest.raises(ImportError, match=r"own_parts\.Net is needed by the file"):
        load(file, trusted=[f"{HERE}.Net"])


def test_no_module_is_imported_without_trust(tmp_path, file, monkeypatch):
    """A file names a module that leaves a trace; only a caller who trusts it gets it."""
    (tmp_path / "evil_module.py").write_text(
        "import pathlib; pathlib.Path('touched').write_text('')\nclass Net: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    writer = Writer(CODECS)
    node = writer.node(NeuralRegressor())
    state = dict(node["object"]["state"]) | {"module": {"own": ["evil_module", "Net"]}}
    node["object"]["state"] = [list(item) for item in state.items()]
    file.write_bytes(to_bytes(Content(node, writer.arrays), {}))
    for trusted in ([], ["evil_module", "evil_module.Other", "Net"]):
        with pytest.raises(ValueError, match=r"evil_module\.Net"):
            load(file, trusted=trusted)
        assert "evil_module" not in sys.modules
        assert not (tmp_path / "touched").exists()
    load(file, trusted=["evil_module.Net"])
    assert (tmp_path / "touched").exists()
    del sys.modules["evil_module"]


NODES = {
    "system": {"function": "os.system"},
    "builtin": {"function": "builtins.eval"},
    "private": {"function": "torch.nn.functional._in_projection"},
    "module of torch": {"torch": "torch.hub.load"},
    "function as class": {"torch": "torch.nn.Parameter"},
    "other family": {"torch": "torch.load"},
    "class": {"class": "os/system"},
    "class of sklearn": {"class": "sklearn/FunctionTransformer"},
    "loss": {"class": "Criterion"},
    "type": {"type": "type"},
    "object of a network": {"object": {"of": {"torch": "torch.nn.Linear"}, "state": []}},
    "object of a type": {"object": {"of": {"type": "int"}, "state": []}},
    "object of a generator": {"generator": {"dict": [["bit_generator", "system"]]}},
    "network of an estimator": {
        "module": {"of": {"class": "NeuralRegressor"}, "held": [], "state": []}
    },
    "object of a function": {"object": {"of": {"function": "numpy.log"}, "state": []}},
    "call": {"partial": [["func", {"function": "os.system"}], ["args", {"tuple": ["true"]}]]},
    "pickle": {"array": {"type": "|O8", "shape": [1], "in": "0"}},
    "reference": {"ref": 99},
    "distribution": {"distribution": ["test", []]},
    "two kinds": {"tuple": [], "set": []},
    "unknown": {"exec": "1"},
}


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_nodes_that_name_anything_else_are_refused(node, file):
    writer = Writer(CODECS)
    manifest = writer.node(NeuralRegressor())
    manifest["object"]["state"].append(["extra", node])
    file.write_bytes(to_bytes(Content(manifest, {"0": np.zeros(8, np.uint8)}), {}))
    with pytest.raises(ValueError, match="cannot be loaded"):
        load(file)


@pytest.mark.parametrize("trusted", ["mypackage.Net", 3, [int], None, True])
def test_trusted_is_a_list_of_names(trusted, file):
    save(NeuralRegressor(), file)
    with pytest.raises(TypeError, match="list of names"):
        load(file, trusted=trusted)


def test_a_pickle_is_never_opened(file):
    torch.save({"a": 1}, file)
    with pytest.raises(ValueError, match="does not begin as files of"):
        load(file)
