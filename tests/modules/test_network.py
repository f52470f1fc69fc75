"""What every built-in network offers, as `Network` documents it."""

import inspect
from typing import get_type_hints

import pytest
import torch
from torch import nn

from sklloss.modules import MODULES, MLPStack, Stack, build_module
from sklloss.modules.activations import ACTIVATIONS, get_activation
from sklloss.modules.network import BUILT_FROM, Network, check_network_arguments, domains_of
from sklloss.modules.recommendation.factors import Factors
from sklloss.parameters.domains import Interval

# The shape of a row, the number of outputs, further arguments and X for each kind of input.
ROWS = {
    "table": ((4,), 3, {}, torch.ones(2, 4)),
    "images": ((2, 6, 4), 120, {}, torch.ones(2, 2, 6, 4)),
    "tokens": ((7,), 3, {"n_tokens": 9}, torch.full((2, 7), 3.0)),
    "sequences": ((4,), 3, {}, torch.ones(2, 8, 5)),
}
KINDS = {*ROWS, "pairs"}
each = pytest.mark.parametrize("name", MODULES)


def built(name, seed=0, **params):
    shape, n_outputs, facts, _ = ROWS[MODULES[name].inputs]
    generator = torch.Generator().manual_seed(seed)
    return build_module(name, shape, n_outputs, {**facts, **params}, generator)


def output_of(network):
    """Return raw output in evaluation mode as (n_rows, anything, size of the output bias)."""
    X = ROWS[network.inputs][-1]
    return network.eval()(X).reshape(len(X), -1, network.output_bias.numel())


@each
def test_it_is_a_network(name):
    network = built(name)
    assert isinstance(network, nn.Module)
    assert isinstance(network, Network)
    assert network.inputs in KINDS


def test_what_lacks_an_output_bias_is_no_network():
    assert not isinstance(nn.Linear(3, 2), Network)
    assert isinstance(Factors(2, 3, 4), Network)


@each
def test_its_constructor_is_passed_what_it_asks_for(name):
    parameters = inspect.signature(MODULES[name]).parameters
    assert {"n_outputs", "generator"} < set(parameters)
    assert len({"n_features", "input_shape"} & set(parameters)) == 1
    known = {*BUILT_FROM, *ROWS[MODULES[name].inputs][2]}
    assert all(p.default is not p.empty for key, p in parameters.items() if key not in known)


@each
def test_initial_weights_come_from_the_generator_alone(name):
    state = torch.get_rng_state()
    first, again, other = (built(name, seed, start_constant=False) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    pairs = list(zip(first.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


@each
def test_it_starts_at_its_output_bias(name):
    network = built(name, start_constant=True)
    network.output_bias.data.copy_(torch.arange(network.output_bias.numel()) + 1.0)
    output = output_of(network)
    torch.testing.assert_close(output, network.output_bias.detach().expand(output.shape))


@each
def test_its_output_bias_moves_every_output(name):
    network = built(name, start_constant=False)
    before = output_of(network)
    network.output_bias.data += 1
    torch.testing.assert_close(output_of(network), before + 1)


@each
def test_defaults_lie_inside_their_domains(name):
    parameters = inspect.signature(MODULES[name]).parameters
    for argument, (domain, remedy) in domains_of(MODULES[name]).items():
        assert argument in parameters
        assert isinstance(remedy, str)
        default = parameters[argument].default
        assert default is inspect.Parameter.empty or default in domain


@each
def test_arguments_outside_their_domains_are_refused(name):
    for argument, (domain, remedy) in domains_of(MODULES[name]).items():
        assert object not in domain
        message = f"needs .*{argument}.*; got .*<class 'object'>"
        with pytest.raises(ValueError, match=message) as error:
            built(name, **{argument: object})
        assert remedy in str(error.value)


def test_only_declared_arguments_are_checked():
    def network(depth, name=1):
        pass

    network.domains = {"depth": (Interval(1, integer=True), ""), "name": (Interval(), "Count it.")}
    check_network_arguments(network, "It", {"depth": 2, "width": -1})
    with pytest.raises(ValueError, match=r"It needs depth >= 1 .*got 0\. Give another depth\."):
        check_network_arguments(network, "It", {"depth": 0})
    with pytest.raises(ValueError, match=r"got 'a'\. Count it\."):
        check_network_arguments(network, "It", {"name": "a"})
    assert domains_of(nn.Linear) == {}


@each
def test_its_stack_is_a_stack(name):
    stack = vars(MODULES[name]).get("stack")
    assert stack is None or issubclass(stack, Stack)
    assert (stack is MLPStack) == (name == "mlp")


@pytest.mark.parametrize("n_frames", [1, 5, 8])
def test_sequences_have_as_many_frames_as_it_says(n_frames):
    network = built("sequence")
    assert network(torch.ones(2, n_frames, 5)).shape[1] == network.n_frames_out(n_frames)


def test_every_member_of_the_protocol_is_documented():
    members = {*get_type_hints(Network), "output_bias", "forward"}
    assert members == {"inputs", "output_bias", "forward"}
    assert all(f"{member} :" in Network.__doc__ for member in ("inputs", "output_bias"))
    for optional in ("stack", "n_frames_out", "domains"):
        assert f"- ``{optional}" in Network.__doc__


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("mpl", {}, r"the names are 'mlp', 'cnn', .*\. Did you mean 'mlp'\? Pass your own network"),
        ("zzz", {}, r"'unet'\. Pass your own network"),
        ("mlp", {"drop": 0.1}, r"start_constant\. Did you mean 'dropout'\?"),
        ("cnn", {"chanels": (4,)}, "Did you mean 'channels'"),
        ("mlp", {"zzz": 1}, "start_constant.$"),
        ("mlp", {"generator": None}, "no parameter 'generator'"),
    ],
)
def test_names_that_are_mistyped_get_a_suggestion(name, params, message):
    with pytest.raises(ValueError, match=message):
        build_module(name, (3, 8, 8), 4, params, torch.Generator())


@each
def test_mistyped_activations_get_a_suggestion(name):
    message = r"no activation 'rellu'; the names are 'relu', .*'silu'\. Did you mean 'relu'"
    with pytest.raises(ValueError, match=message):
        built(name, activation="rellu")


def test_every_activation_is_found_by_name():
    assert all(get_activation(name) is activation for name, activation in ACTIVATIONS.items())
