"""Which of a million hashes lie within so many bits of these ones.

Three engines give matches in the same form; `ENGINES` is the list of them:

- `numpy`: every pair, by XOR and a count of bits. Exact, needs nothing else, several times slower than `flat`.
- `flat`: every pair, by FAISS's IndexBinaryFlat. Exact.
- `multihash`: FAISS's IndexBinaryMultiHash looks only where one of the hash's first bands (its lowest, steadiest
  frequencies) agrees up to a flipped bit, and compares those whole. It may miss a far pair, never invents one:
  `benchmarks.duplicates` measures how many of the exact matches it finds. A pair of 256-bit hashes that differs in at
  most 15 bits of the first 160 is always found (8 bands of 20: one of them has at most one of the 15).

`choose_engine` takes what fits the number of pairs; where FAISS is not installed it is `numpy`, with the same answers
as `flat`.

Source: Norouzi, Punjani, Fleet 2012, "Fast search in Hamming space with multi-index hashing" (CVPR);
Douze et al. 2024, "The Faiss library", arXiv:2401.08281.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

# Bands and their bits. Of 200,000 hashes like drawn characters', queries 48 bits wide of 256: 4 bands of 16 found
# 97.0 % in 0.29 ms each, 8 of 16 99.8 % in 0.48 ms, 8 of 20 99.8 % in 0.09 ms, 10 of 24 99.6 % in 0.06 ms.
WIDE_BANDS: Final = (8, 20)
NARROW_BAND_BITS: Final = 16  # for hashes that are too narrow for those: bands over all their bits
NUM_FLIPS: Final = 1

# So many pairs are compared one by one before an index that may miss some is worth it: half a minute of `flat`.
MAX_EXACT_PAIRS: Final = 4e10
# Queries that are answered together: bounds the memory that matches of one batch can take.
_QUERIES_A_BATCH: Final = 16_384
_PAIRS_A_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs within the radius, by query, then member. queries, members: (M,) int64 rows; distances: (M,) int64 bits."""

    queries: np.ndarray
    members: np.ndarray
    distances: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)


class HashIndex:
    """Hashes that can be searched: (N, B) uint8, B a multiple of 8 (64 bits or wider)."""

    def __init__(self, hashes: np.ndarray, engine: str) -> None:
        """Build the index.

        Raises:
            ValueError: an unknown engine, or hashes that are not (N, B) uint8.
            ModuleNotFoundError: an engine of FAISS, where faiss-cpu is not installed.
        """
        if engine not in ENGINES:
            raise ValueError(f"engine is {engine!r}, expected one of {', '.join(ENGINES)}")
        self.engine = engine
        self.num_bytes = hashes.shape[-1]
        self._search = ENGINES[engine](_checked(hashes, None))

    def search(self, queries: np.ndarray, radius: int) -> Matches:
        """All members within `radius` bits (the radius included) of each query; a hash finds itself too.

        Args:
            queries: (Q, B) uint8.
        """
        parts = list(self.search_batches(queries, radius))
        if not parts:
            return _matches(*(np.empty(0, np.int64) for _ in range(3)))
        return _matches(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def search_batches(self, queries: np.ndarray, radius: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """As `search`, a batch of queries after the other: rows of queries, rows of members, distances."""
        queries = _checked(queries, self.num_bytes)
        for start in range(0, len(queries), _QUERIES_A_BATCH):
            rows, members, distances = self._search(queries[start : start + _QUERIES_A_BATCH], radius)
            yield rows + start, members, distances


def has_faiss() -> bool:
    """Whether the engines of FAISS can be used here."""
    return importlib.util.find_spec("faiss") is not None


def choose_engine(num_members: int, num_queries: int) -> str:
    """The engine for so many hashes: exact while that takes less than about half a minute."""
    if not has_faiss():
        return "numpy"
    return "flat" if num_members * num_queries <= MAX_EXACT_PAIRS else "multihash"


_Found = tuple[np.ndarray, np.ndarray, np.ndarray]
_Search = Callable[[np.ndarray, int], _Found]


def _numpy_engine(hashes: np.ndarray) -> _Search:
    words = hashes.view(np.uint64)  # (N, B / 8)

    def search(queries: np.ndarray, radius: int) -> _Found:
        asked = queries.view(np.uint64)
        found = []
        step = max(1, _PAIRS_A_BLOCK // max(1, len(words)))
        for start in range(0, len(asked), step):
            block = asked[start : start + step]
            distances = np.zeros((len(block), len(words)), np.uint16)
            for word in range(words.shape[1]):  # a word at a time: the (Q, N, words) cube would not stay in the cache
                distances += np.bitwise_count(block[:, word, None] ^ words[None, :, word])
            rows, members = np.nonzero(distances <= radius)
            found.append((rows + start, members, distances[rows, members].astype(np.int64)))
        if not found:
            found = [(np.empty(0, np.int64),) * 3]
        rows, members, distances = (np.concatenate(column) for column in zip(*found, strict=True))
        return rows, members, distances

    return search


def _flat_engine(hashes: np.ndarray) -> _Search:
    index = _faiss().IndexBinaryFlat(hashes.shape[1] * 8)
    index.add(hashes)
    return _faiss_search(index)


def _multihash_engine(hashes: np.ndarray) -> _Search:
    num_bits = hashes.shape[1] * 8
    num_bands, band_bits = WIDE_BANDS
    if num_bits < num_bands * band_bits:
        num_bands, band_bits = num_bits // NARROW_BAND_BITS, NARROW_BAND_BITS
    index = _faiss().IndexBinaryMultiHash(num_bits, num_bands, band_bits)
    index.nflip = NUM_FLIPS
    index.add(hashes)
    return _faiss_search(index)


ENGINES: Final[dict[str, Callable[[np.ndarray], _Search]]] = {
    "numpy": _numpy_engine,
    "flat": _flat_engine,
    "multihash": _multihash_engine,
}


def _faiss_search(index: Any) -> _Search:
    def search(queries: np.ndarray, radius: int) -> _Found:
        # FAISS's radius is the first distance that is too far.
        limits, distances, members = index.range_search(queries, radius + 1)
        rows = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
        return rows, members.astype(np.int64), distances.astype(np.int64)

    return search


def _faiss() -> Any:
    """FAISS itself, loaded when it is used: 0.2 s that `import datasets.hash_index` need not pay."""
    return importlib.import_module("faiss")


def _checked(hashes: np.ndarray, num_bytes: int | None) -> np.ndarray:
    wrong_width = num_bytes is not None and hashes.shape[-1] != num_bytes
    if hashes.ndim != 2 or hashes.dtype != np.uint8 or hashes.shape[1] % 8 or not hashes.shape[1] or wrong_width:
        expected = f"(N, {num_bytes})" if num_bytes else "(N, a multiple of 8)"
        raise ValueError(f"hashes are {hashes.shape} {hashes.dtype}, expected {expected} uint8")
    return np.ascontiguousarray(hashes)


def _matches(queries: np.ndarray, members: np.ndarray, distances: np.ndarray) -> Matches:
    order = np.lexsort((members, queries))
    return Matches(queries[order], members[order], distances[order])
