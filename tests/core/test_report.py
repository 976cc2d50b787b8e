"""Reports: what explain tells people and machines of one token, and of its principal when it is good."""

from __future__ import annotations

import json

from bearergate.core.checks import TABLE
from bearergate.core.errors import Unavailable
from bearergate.core.policy import GroupsFrom
from bearergate.core.reasons import Reason
from bearergate.core.validation import Validation
from tests.core.judging import ISSUER, NOW, POLICY, judge, report_on, under

GROUPS = under(groups=GroupsFrom(required=True))
mint = ISSUER.mint


def test_a_report_is_plain_json_and_names_every_row_of_the_table() -> None:
    report = report_on(mint(aud="x"), GROUPS)
    plain = json.loads(json.dumps(report.as_dict()))
    assert (plain["accepted"], plain["reason"]) == (False, "audience_mismatch")
    assert [row["check"] for row in plain["checks"]] == [check.name for check in TABLE]
    assert [row["reason"] for row in plain["checks"] if row["outcome"] == "fail"] == [
        "audience_mismatch",
        "groups_missing",
    ]
    assert (plain["undecided"], plain["principal"]) == (False, None)


def test_the_report_of_a_good_token_names_its_principal_in_the_words_of_the_gate() -> None:
    token = mint(sub="ada", scope="b a", groups=["staff"], exp=NOW + 60)
    report = report_on(token, GROUPS)
    assert report.principal == judge(token, GROUPS)
    plain = json.loads(json.dumps(report.as_dict()))
    assert (plain["accepted"], plain["undecided"], plain["reason"]) == (True, False, None)
    assert plain["principal"] == {
        "issuer": ISSUER.issuer,
        "subject": "ada",
        "client_id": "app",
        "audience": ["api"],
        "scopes": ["a", "b"],
        "groups": ["staff"],
        "machine": False,
        "expires_at": NOW + 60,
    }


def test_a_report_without_a_look_for_keys_accepts_nothing() -> None:
    validation = Validation([POLICY])
    rows, x = validation.open_report(mint())
    report = validation.close_report(rows, x, None, NOW)
    assert (report.accepted, report.principal) == (False, None)


def test_a_report_tells_keys_that_could_not_be_had_from_a_bad_token() -> None:
    validation = Validation([POLICY])
    rows, x = validation.open_report(mint())
    report = validation.close_report(rows, x, Unavailable(Reason.KEYS_EXPIRED), NOW)
    assert (report.accepted, report.undecided, report.principal) == (False, True, None)
    assert report.as_dict()["undecided"] is True
    assert not report_on(ISSUER.forge()).undecided
