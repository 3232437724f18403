"""RFC 6962: hashes and proofs against the published vectors of transparency-dev/merkle, and against a plain reading."""

import hashlib

import pytest
from client_consent.tools import merkle
from client_consent.tools.errors import ProofInvalid
from hypothesis import given
from hypothesis import strategies as st

#: The eight inputs of the reference test data, and the roots of the trees of the first 1 … 8 of them.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
#: index, size, path of the reference's inclusion proofs; sizes and path of its consistency proofs.
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        3,
        ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    ),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
LEAVES = [merkle.leaf_hash(data) for data in INPUTS]


def plain_root(hashes):
    """MTH as RFC 6962 section 2.1 writes it down."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + plain_root(hashes[:split]) + plain_root(hashes[split:])).digest()


def path(hashes, ranges):
    """The roots of the ranges, each put together from complete subtrees only."""
    found = []
    for begin, end in ranges:
        parts = [hashes[number << height : (number + 1) << height] for height, number in merkle.subtrees(begin, end)]
        found.append(merkle.join([plain_root(part) for part in parts]))
    return found


def made(size):
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def test_empty_tree_is_the_hash_of_nothing():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root([]).hex() == merkle.Tree().root().hex() == empty


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size):
    tree = merkle.Tree()
    tree.extend(LEAVES[:size])
    assert merkle.root(LEAVES[:size]).hex() == tree.root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "expected"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index, size, expected):
    proof = path(LEAVES, merkle.inclusion_ranges(index, size))
    assert [step.hex() for step in proof] == expected
    merkle.verify_inclusion(LEAVES[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second", "expected"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(first, second, expected):
    proof = path(LEAVES, merkle.consistency_ranges(first, second))
    assert [step.hex() for step in proof] == expected
    roots = [bytes.fromhex(ROOTS[size - 1]) for size in (first, second)]
    merkle.verify_consistency(first, second, *roots, proof)


@given(st.integers(0, 700))
def test_root_is_the_one_of_the_rfc(size):
    assert merkle.root(made(size)) == plain_root(made(size))


@given(st.lists(st.integers(0, 400), max_size=6), st.data())
def test_growing_tree_has_the_same_root_wherever_it_was_put_down(steps, data):
    hashes = made(sum(steps))
    tree, size, tiles = merkle.Tree(), 0, {0: hashes}
    for step in steps:
        for level, number, hash_ in tree.extend(hashes[size : size + step]):
            kept = tiles.setdefault(level, [])
            assert number == len(kept)
            kept.append(hash_)
        size += step
        assert tree.size == size
        assert tree.root() == plain_root(hashes[:size])
        if data.draw(st.booleans()):
            tree = merkle.Tree(
                tiles.get(level, [])[begin:end] for level, (begin, end) in enumerate(merkle.border_sizes(size))
            )
            assert (tree.size, tree.root()) == (size, plain_root(hashes[:size]))


def test_tiles_of_a_large_tree_are_roots_of_their_leaves():
    hashes = made(70_000)
    tiles = {(level, number): hash_ for level, number, hash_ in merkle.Tree().extend(hashes)}
    assert len(tiles) == 70_000 // 256 + 1
    assert tiles[1, 3] == plain_root(hashes[768:1024])
    assert tiles[2, 0] == plain_root(hashes[:65_536])
    level, begin, end = merkle.tile_range(10, 2)
    assert merkle.root([tiles[level, number] for number in range(begin, end)]) == plain_root(hashes[2048:3072])


@given(st.integers(1, 600), st.data())
def test_inclusion_holds_and_one_changed_step_does_not(size, data):
    index = data.draw(st.integers(0, size - 1))
    hashes = made(size)
    proof = path(hashes, merkle.inclusion_ranges(index, size))
    merkle.verify_inclusion(hashes[index], index, size, proof, plain_root(hashes))
    for wrong in (
        (hashes[index][::-1], index, size, proof),
        (hashes[index], index, size, [*proof, bytes(32)]),
        (hashes[index], index, size, proof[:-1] if proof else [bytes(32)]),
        (hashes[index], size, size, proof),
    ):
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(*wrong, plain_root(hashes))
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = proof[place][::-1]
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(hashes[index], index, size, proof, plain_root(hashes))


@given(st.integers(1, 600), st.data())
def test_consistency_holds_and_a_rewritten_past_does_not(second, data):
    first = data.draw(st.integers(1, second))
    hashes = made(second)
    roots = [plain_root(hashes[:first]), plain_root(hashes)]
    proof = path(hashes, merkle.consistency_ranges(first, second))
    merkle.verify_consistency(first, second, *roots, proof)
    rewritten = [bytes(32), *hashes[1:]]
    forged = path(rewritten, merkle.consistency_ranges(first, second))
    for wrong in (
        (roots[0], plain_root(rewritten), forged),
        (plain_root(rewritten), roots[1], proof),
        (*roots, [*proof, bytes(32)]),
        (*roots, proof[:-1] if proof else [bytes(32)]),
    ):
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(first, second, *wrong)


def test_nothing_is_consistent_with_everything_and_longer_is_never_first():
    merkle.verify_consistency(0, 8, merkle.EMPTY, bytes.fromhex(ROOTS[7]), [])
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(8, 4, bytes.fromhex(ROOTS[7]), bytes.fromhex(ROOTS[3]), [])
    for begin, end in ((8, 8), (-1, 8)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_ranges(begin, end)
    with pytest.raises(ValueError, match="no proof"):
        merkle.consistency_ranges(0, 8)
