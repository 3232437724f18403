import copy
import json
import pickle

import pytest
from client_gdpr.tools.capability import KEY, SWEEP, is_sweep


def test_only_the_object_itself_opens():
    assert is_sweep({KEY: SWEEP})
    assert is_sweep(copy.deepcopy({KEY: SWEEP}))
    assert is_sweep({**{KEY: SWEEP}, "lang": "cs_CZ"})


@pytest.mark.parametrize("value", [True, 1, "<gdpr sweep>", repr(SWEEP), {}, [], None, type(SWEEP)()])
def test_nothing_that_looks_like_it_opens(value):
    assert not is_sweep({KEY: value})
    assert not is_sweep({})


def test_it_cannot_travel_as_json():
    with pytest.raises(TypeError):
        json.dumps({KEY: SWEEP})
    assert not is_sweep({KEY: pickle.loads(pickle.dumps(SWEEP))})
