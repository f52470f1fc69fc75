"""Files that are damaged, or made to do damage, give one clear error, soon and in little memory."""

import io
import json
import struct
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.persistence import load, save
from sklloss.persistence.container import NO_SIZE, ZEROS, Content, parsed, seal, to_bytes
from sklloss.training.checkpoints import fit_file

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
MOST_SECONDS, MOST_BYTES = 1.0, 200 * 2**20
SMALL = {"hidden_layer_sizes": (2,), "max_epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The bytes of three files."""
    folder = tmp_path_factory.mktemp("whole")
    models = (
        NeuralRegressor(**SMALL).fit(X, X[:, 0]),
        NeuralClassifier(**SMALL).fit(X, np.where(X[:, 0] > 0, "a", "b")),
        make_pipeline(StandardScaler(), NeuralRegressor(**SMALL)).fit(X, X[:, 0]),
    )
    found = []
    for model in models:
        save(model, folder / "file")
        found.append((folder / "file").read_bytes())
    return found


def sealed(data: bytes) -> bytes:
    """Return a file with the size and the checksum that its bytes should have."""
    found = bytearray(data)
    seal(found)
    return bytes(found)


def flipped(files) -> Iterator[bytes]:
    """Yield files with one to eight bits changed, some of them in the header."""
    for k in range(170):
        data = bytearray(files[k % 3])
        header = 8 + struct.unpack("<Q", data[:8])[0]
        for place in RNG.integers(0, header if k % 2 else len(data), 1 + k % 8):
            data[place] ^= 1 << RNG.integers(8)
        yield bytes(data)


def cut(files) -> Iterator[bytes]:
    """Yield files that end early, begin late, or are longer than they were."""
    for k in range(130):
        data = files[k % 3]
        place = int(RNG.integers(0, len(data)))
        yield (data[:place], data[place:], data + data[: place + 1], data[:place] + b"\0" * 9)[
            k % 4
        ]


def spliced(files) -> Iterator[bytes]:
    """Yield files with a part of themselves or of another at a wrong place."""
    for k in range(120):
        mine, other = files[k % 3], files[(k // 3) % 3]
        start, end = sorted(RNG.integers(0, len(mine), 2).tolist())
        place = int(RNG.integers(0, len(other)))
        found = (
            mine[:start] + other[place:],
            mine[:start] + other[place : place + end - start] + mine[end:],
            mine[:start] + bytes(end - start) + mine[end:],
            mine[:start] + mine[end:],
        )[k % 4]
        yield found if found not in files else found[1:]


def with_header(data: bytes, change) -> bytes:
    """Return a file whose header was changed, with the right checksum."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    entry = header.pop("__metadata__")
    change(header)
    text = json.dumps({"__metadata__": entry, **header}, separators=(",", ":")).encode()
    return sealed(struct.pack("<Q", len(text)) + text + data[8 + length :])


def with_huge_shapes(files) -> Iterator[bytes]:
    """Yield files whose header or manifest declares what is not there."""
    data = files[0]
    names = [name for name in parsed(data).arrays if name != "manifest"]
    for k, number in enumerate((2**62, 2**40, 10**9, -1, 7, 2**64, 10**30, 1.5, "x", None)):
        name = names[k % len(names)]
        yield with_header(data, lambda header, n=name, v=number: header[n].update(shape=[v]))
        yield with_header(
            data, lambda header, n=name, v=number: header[n].update(data_offsets=[0, v])
        )
        yield with_manifest(data, lambda node, v=number: _first(node, "array").update(shape=[v]))
        yield with_manifest(data, lambda node, v=number: _first(node, "array").update(shape=[v, v]))
        yield with_manifest(data, lambda node, v=number: _first(node, "tensor").update(shape=[v]))


def with_manifest(data: bytes, change) -> bytes:
    """Return a file whose manifest was changed, with the right checksum."""
    content = parsed(data)
    change(content.manifest)
    return to_bytes(Content(content.manifest, content.arrays), {})


def _first(node, kind):
    """Return the first payload of a kind that has numbers."""
    found = [node]
    while found:
        each = found.pop()
        if isinstance(each, dict):
            if kind in each and "in" in each[kind]:
                return each[kind]
            found += each.values()
        elif isinstance(each, list):
            found += each
    raise AssertionError(kind)


def bomb(n_bytes: int, name: str = "0.npy") -> bytes:
    """Return an archive that unpacks to many zeros."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(n_bytes))
    return buffer.getvalue()


def npy(shape, descr="<f8") -> bytes:
    """Return the header of an array of NumPy without its numbers."""
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(buffer, header)
    return buffer.getvalue()


def archives(files) -> Iterator[bytes]:
    """Yield files whose step is an archive that was tampered with."""
    content = parsed(files[2])
    (key,) = [k for k, v in content.arrays.items() if v.tobytes()[:2] == b"PK"]
    step = content.arrays[key].tobytes()
    with ZipFile(io.BytesIO(step)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    arrays = [name for name in entries if name.endswith(".npy")]

    def of(changed, compression=0):
        buffer = io.BytesIO()
        with ZipFile(buffer, "w", compression) as archive:
            for name, data in changed.items():
                archive.writestr(name, data)
        return buffer.getvalue()

    schema = json.loads(entries["schema.json"])
    evil = [
        {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 5},
        {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode"},
        {**schema, "protocol": 99},
        {**schema, "__loader__": "Unknown"},
        {**schema, "__module__": "os", "__class__": "system"},
    ]
    tampered = [
        b"",
        b"PK",
        step[: len(step) // 2],
        of({"schema.json": b"{}"}),
        of({"schema.json": b"[" * 10**5}),
        of(entries, ZIP_DEFLATED),
        bomb(2**26),
        of({**entries, "bomb.npz": bomb(2**28)}),
        of({**entries, "x.npz": b"none"}),
        of({name: data for name, data in entries.items() if name not in arrays}),
        *(of({**entries, arrays[0]: npy((n,))}) for n in (10**9, 2**62, 10**12)),
        of({**entries, arrays[0]: npy((1,), "|O") + bytes(8)}),
        of({**entries, arrays[0]: b"\x93NUMPY\x01\x00" + b"\xff" * 40}),
        of({"../" * n + "evil": b"x" for n in range(1, 5)}),
        of({"/tmp/evil": b"x", **{k: v for k, v in entries.items() if k != "schema.json"}}),
        *(of({**entries, "schema.json": json.dumps(each).encode()}) for each in evil),
    ]
    for each in tampered:
        other = dict(content.arrays)
        other[key] = np.frombuffer(each, np.uint8) if each else np.zeros(1, np.uint8)
        yield to_bytes(Content(content.manifest, other), {})


def of_others(files) -> Iterator[bytes]:
    """Yield files that are none of ours, or whose header is not."""
    data = files[0]
    yield from (b"", b"{}", bytes(8), bytes(10**5), b"\xff" * 64, bomb(2**26), b"\x1f\x8b" * 9)
    yield skops.io.dumps(StandardScaler().fit(X))
    yield from (struct.pack("<Q", n) + data[8:] for n in (0, 1, 2**24, 2**40, 2**63, 2**64 - 1))
    yield struct.pack("<Q", 2**23) + data[8:60] + b"[" * 2**23
    for old, new in (
        (b'\\"format_version\\":1', b'\\"format_version\\":0'),
        (b'\\"format_version\\":1', b'\\"format_version\\":-1'),
        (b'\\"format_version\\":1', b'\\"format_version\\":"'),
        (b'\\"sha256\\":', b'\\"sha257\\":'),
        (b'"sklloss"', b'"skllosS"'),
        (b"__metadata__", b"__Metadata__"),
        (b'"manifest"', b'"Manifest"'),
    ):
        changed = data.replace(old, new, 1)
        yield sealed(changed) if old == b'"manifest"' else changed


def manifests(files) -> Iterator[bytes]:
    """Yield files with a sound checksum and a manifest that means nothing."""
    data = files[0]
    for node in (None, 3, [], {}, {"object": {}}, {"object": None}, {"net": []}, {"list": [1]}):
        yield to_bytes(Content(node, {}), {})
    nested = b'{"tuple":[' * 400 + b"]}" * 400
    for text in (
        nested,
        b"[" * 10**6,
        b'{"a":' * 10**5,
        b"\xff\xfe",
        b"NaN",
        b"1" * 10**6,
        b'"\\ud800"',
        b"",
    ):
        arrays = {"manifest": np.frombuffer(text or b" ", np.uint8)}
        whole = parsed(data)
        yield _raw({**whole.arrays, **arrays})
    state = parsed(data).manifest["object"]["state"]
    for k in range(len(state)):
        # What is learned stands last.  Each value is replaced by one of another kind.
        name = state[k][0]
        if name in ("members_", "_learned"):
            for node in ({"ref": 10**6}, {"slice": [1]}, {"net": [["module", 1]]}, {"history": {}}):
                change = partial(_replace_state, k, node)
                yield with_manifest(data, change)
    for node in LARGE:
        yield with_manifest(data, partial(_replace_state, 0, node))


def _replace_state(k, node, manifest):
    """Replace the k-th value of an estimator's state by a node."""
    manifest["object"]["state"][k][1] = node


def _raw(arrays) -> bytes:
    """Return a file with any bytes as its manifest."""
    from safetensors.numpy import save as write

    entry = {"format_version": 1, "size": NO_SIZE.decode(), "sha256": ZEROS.decode()}
    entry["versions"] = {}
    return sealed(write(arrays, {"sklloss": json.dumps(entry, separators=(",", ":"))}))


# Little text that would be much in memory.
LARGE = (
    {"array": {"type": "<U0", "shape": [2**40]}},
    {"array": {"type": "|S0", "shape": [2**40], "in": "0"}},
    {"array": {"type": f"<U{2**28}", "shape": [1]}},
    {"objects": [[2**40], []]},
    {"tensor": {"type": "float64", "shape": [2**40], "parameter": False, "grad": False}},
    {"sparse": ["csr_array", [2**40, 2**40], [["data", []], ["indices", []], ["indptr", []]]]},
    {"masked": [["data", {"array": {"type": "<f8", "shape": [0, 2**40]}}], ["mask", []]]},
    {"history": {"columns": [["a", [1]], ["b", []]]}},
    {"tuple": [{"dict": [[{"set": []}, 1]]}]},
    {"decimal": "1e"},
    {"timestamp": [1, "ns", "dateutil//dev/zero"]},
    {"timestamp": [1, "ns", "../../../etc/passwd"]},
    {"zone": "/etc/passwd"},
    {"duration": [2**63, "s"]},
    {"net": [["module", None], ["arguments", {"dict": [["compile", True]]}]]},
)
FAMILIES = (flipped, cut, spliced, with_huge_shapes, archives, of_others, manifests)


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_damaged_files_give_clear_errors(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, n_files = tmp_path / "damaged", 0
    path.touch()
    before = listing(tmp_path)
    tracemalloc.start()
    try:
        for family in FAMILIES:
            for data in family(files):
                if data in files:
                    continue
                path.write_bytes(data)
                refused(path, family.__name__)
                n_files += 1
    finally:
        tracemalloc.stop()
    assert n_files >= 500
    assert listing(tmp_path) == before


def refused(path, family):
    tracemalloc.reset_peak()
    held, start = tracemalloc.get_traced_memory()[0], time.process_time()
    with pytest.raises(ValueError, match="(cannot be loaded|is not loaded)") as error:
        load(path)
    seconds = time.process_time() - start
    memory = tracemalloc.get_traced_memory()[1] - held
    assert str(path) in str(error.value), family
    assert len(str(error.value)) < 900, family
    assert seconds < MOST_SECONDS, (family, str(error.value))
    assert memory < MOST_BYTES, (family, str(error.value))


def test_a_file_with_another_manifest_is_refused_or_an_estimator(files, tmp_path):
    """Whatever a sound checksum vouches for, reading it ends well."""
    path = tmp_path / "file"
    n_refused = 0
    for k in range(200):
        content = parsed(files[k % 3])
        places = list(_places(content.manifest))
        holder, key = places[RNG.integers(len(places))]
        other, name = places[RNG.integers(len(places))]
        strange = (None, -1, 2**63, "", "0", [], {}, [[]], "os.system", True, other[name])
        holder[key] = strange[RNG.integers(len(strange))]
        try:
            path.write_bytes(to_bytes(content, {}))
        except (RecursionError, ValueError):
            continue  # It holds itself.
        try:
            assert isinstance(load(path), BaseEstimator)
        except ValueError:
            n_refused += 1
    assert n_refused > 50


def _places(node):
    """Yield every place of a manifest as what holds it, and where."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


def test_a_newer_version_is_named_beside_ours(files, tmp_path):
    path = tmp_path / "newer"
    entry = b'\\"format_version\\":1'
    path.write_bytes(files[0].replace(entry, entry[:-1] + b"27", 1))
    with pytest.raises(ValueError, match="has version 27 of the format.*versions up to 1.*newer"):
        load(path)


def test_a_foreign_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**40)  # Takes no room on the disk.
    start = time.process_time()
    with pytest.raises(ValueError, match="does not begin"):
        load(path)
    assert time.process_time() - start < MOST_SECONDS


def test_a_file_that_has_grown_is_not_read_to_its_end(files, tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(files[0])
        file.truncate(2**40)
    with pytest.raises(
        ValueError, match=f"has {2**40:,} bytes and was written with {len(files[0]):,}"
    ):
        load(path)


@pytest.mark.parametrize(
    ("beginning", "said"),
    [
        (b"SQLite format 3\0", "LossSearchCV.from_checkpoint"),
        (fit_file.MAGIC, "FitCheckpoint, which the same call of fit resumes"),
    ],
)
def test_checkpoints_are_told_from_models(beginning, said, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(beginning + bytes(100))
    with pytest.raises(ValueError, match=said):
        load(path)


def test_a_folder_that_may_not_be_looked_into(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(OSError, match="'.*absent' cannot be read: There is no such file"):
        load(tmp_path / "absent")
