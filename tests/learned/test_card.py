"""The card: JSON and back, and what it says of another survey."""

import json
import warnings

import pytest

from pylops_vmb.errors import CardWarning, VMBFileError
from pylops_vmb.learned import Card


def test_json_round_trip_is_exact(card):
    plain = json.loads(json.dumps(card.to_dict()))
    assert Card.from_dict(plain) == card


def test_what_it_prints(card):
    text = str(card)
    for part in (
        "tiny: fcnvmb-repaired",
        "expects Acquisition(3 shots x 9 receivers",
        "gives   Grid(8 x 6 cells",
        "metrics validation_mae_m_s 123.4",
        "licence LGPL",
        "limit   Untrained.",
    ):
        assert part in text


def test_a_card_of_another_version_is_refused(card):
    plain = card.to_dict()
    plain["colour"] = plain.pop("limits")
    message = r"card: does not have the entries.*missing \['limits'\], unknown \['colour'\]"
    with pytest.raises(VMBFileError, match=message):
        Card.from_dict(plain)


def test_the_survey_of_the_training_fits(card, acq, survey):
    for fitting in (acq, survey(), survey(nt=240, dt=1e-3), survey(f0=12.5)):
        assert card.differences(fitting) == []
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            card.check(fitting)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"f0": 20.0}, "peak frequency 20 Hz instead of 12 Hz"),
        ({"xs": [0.0, 35.0, 85.0]}, "sources up to 15 m away from those of the training"),
        ({"zs": 30.0}, "sources up to 20 m away"),
    ],
)
def test_differences_are_said_in_words(card, survey, changes, sentence):
    other = survey(**changes)
    assert any(sentence in found for found in card.differences(other))
    with pytest.warns(CardWarning, match=rf"tiny: was trained on another survey, got .*{sentence}"):
        card.check(other)


def test_another_delay_is_said(card, acq):
    late = acq._replace(wavc=acq.wavc + 15)
    assert card.differences(late) == ["wavelet delay 148 ms instead of 88 ms"]


def test_the_warning_points_at_the_users_line(card, survey):
    with pytest.warns(CardWarning) as caught:
        card.check(survey(f0=20.0))
    assert caught[0].filename == __file__
