"""Every codec of the format, in the order in which they are asked."""

from __future__ import annotations

from .graph import Codec
from .objects.foreign import Distributions, Foreign
from .objects.functions import Classes, Functions
from .objects.known import Objects
from .objects.networks import Histories, Modules, Nets
from .objects.scorers import DistributionScorers
from .values.arrays import Arrays, Generators, SparseArrays, Tensors
from .values.frames import PandasArrays, PandasScalars
from .values.scalars import Containers, Dates, Numbers

CODECS: tuple[Codec, ...] = (
    Numbers(),
    Containers(),
    Arrays(),
    Tensors(),
    PandasScalars(),
    Dates(),
    PandasArrays(),
    SparseArrays(),
    Generators(),
    Classes(),
    Functions(),
    Modules(),
    Nets(),
    Histories(),
    Distributions(),
    DistributionScorers(),
    Objects(),
    Foreign(),
)
