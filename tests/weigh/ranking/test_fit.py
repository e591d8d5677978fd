"""Bradley–Terry and Davidson's model, against R's BradleyTerry2 and psychotools, arena-rank, and statsmodels."""

import evalica
import numpy as np
import pytest
from msgspec.structs import replace
from statsmodels.discrete.discrete_model import Logit

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.fit import Ties, fit_strengths
from steelyard.weigh.ranking.simultaneous import Chances
from steelyard.weigh.ranking.strengths import rank_votes
from steelyard.weigh.ranking.votes import Control, Votes
from tests.weigh.ranking.given import CITATIONS, JOURNALS, citations, counted, patterned

# Home wins and losses of seven teams, American League 1987 (Agresti 2002, p. 438; BradleyTerry2, `baseball`).
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
HOME = """- 4-3 4-2 4-3 6-1 4-2 6-0
3-3 - 4-2 4-3 6-0 6-1 4-3
2-5 4-3 - 2-4 4-3 4-2 6-0
3-3 5-1 2-5 - 4-3 4-2 6-1
5-1 2-5 3-3 4-2 - 5-2 6-0
2-5 3-3 3-4 4-3 4-2 - 2-4
2-5 1-5 1-6 2-4 1-6 3-4 -"""

# Made-up counts for Davidson's model: first, second, won, lost, tied.
TIED = (
    (0, 1, 30, 11, 7),
    (0, 2, 25, 18, 9),
    (1, 2, 14, 21, 12),
    (0, 3, 33, 8, 5),
    (1, 3, 22, 15, 10),
    (2, 3, 27, 12, 6),
)


def errors_by_model(bread: np.ndarray, reference: int) -> list[float]:
    """Return the errors under the model, of each strength less the reference's."""
    own = np.diagonal(bread)
    return [
        float(np.sqrt(own[i] + own[reference] - 2 * bread[i, reference])) for i in range(len(own)) if i != reference
    ]


def baseball() -> Votes:
    rows = []
    for home, line in enumerate(HOME.splitlines()):
        for away, cell in enumerate(line.split()):
            if home != away:
                won, lost = map(int, cell.split("-"))
                rows.append((home, away, won, lost, 0))
    votes = counted(TEAMS, rows)
    return replace(votes, controls=(Control("home", np.ones(len(votes)), "played at home"),))


def test_journal_citations_come_out_as_published() -> None:
    fit = fit_strengths(citations(), Ties.HALF)
    # Turner and Firth 2012, section 2.1 (BradleyTerry2), Biometrika as reference: estimates and standard errors.
    assert fit.strengths[1:] - fit.strengths[0] == pytest.approx([-2.9490724968, -0.4795697698, 0.2689540558], abs=1e-8)
    assert errors_by_model(fit.bread, 0) == pytest.approx([0.10254533537, 0.06058872924, 0.07082996511], rel=1e-8)
    assert fit.strengths.sum() == pytest.approx(0, abs=1e-12)


def test_the_home_advantage_of_baseball_teams_comes_out_as_published() -> None:
    fit = fit_strengths(baseball(), Ties.HALF)
    # R, BradleyTerry2: BTm(cbind(home.wins, away.wins), …, formula = ~ team + at.home), Baltimore as reference.
    published = {
        "Boston": (1.1438026533, 0.3378421889),
        "Cleveland": (0.7046944569, 0.3350014033),
        "Detroit": (1.4753572136, 0.3445518233),
        "Milwaukee": (1.6195549936, 0.3473653061),
        "New York": (1.2813404033, 0.3404033588),
        "Toronto": (1.3271103981, 0.3403222088),
    }
    last = TEAMS.index("Baltimore")
    for team, (estimate, error) in published.items():
        place = TEAMS.index(team)
        assert fit.strengths[place] - fit.strengths[last] == pytest.approx(estimate, abs=1e-8)
        assert errors_by_model(fit.bread[:7, :7], last)[place] == pytest.approx(error, rel=1e-5)
    assert fit.controls[0] == pytest.approx(0.3022606555, abs=1e-8)
    assert np.sqrt(fit.bread[7, 7]) == pytest.approx(0.1309436425, rel=1e-5)


def test_davidsons_ties_come_out_as_in_psychotools() -> None:
    fit = fit_strengths(counted("ABCD", TIED), Ties.DAVIDSON)
    # R, psychotools 0.7-2: btmodel(…, undecided = TRUE, type = "loglin"), D as reference.
    assert fit.strengths[:3] - fit.strengths[3] == pytest.approx(
        [1.376945623048, 0.418547499979, 0.902042481187], abs=1e-8
    )
    assert fit.log_nu == pytest.approx(-0.797250604235, abs=1e-8)
    assert errors_by_model(fit.bread[:4, :4], 3) == pytest.approx([0.2557430256, 0.2407275346, 0.2461790466], rel=1e-7)
    assert np.sqrt(fit.bread[4, 4]) == pytest.approx(0.1593483323, rel=1e-7)


def test_without_a_tie_davidsons_model_is_bradley_and_terrys() -> None:
    plain, davidson = fit_strengths(citations(), Ties.HALF), fit_strengths(citations(), Ties.DAVIDSON)
    assert davidson.log_nu is None
    assert davidson.tie_residuals is None
    assert davidson.strengths == pytest.approx(plain.strengths, abs=1e-12)


def test_half_wins_are_evalicas_estimate() -> None:
    votes = counted("ABCD", TIED)
    names = [votes.models[one] for one in votes.first], [votes.models[one] for one in votes.second]
    said = {1: evalica.Winner.X, 0: evalica.Winner.Draw, -1: evalica.Winner.Y}
    found = evalica.bradley_terry(*names, [said[one] for one in votes.outcome.tolist()], tolerance=1e-12, limit=10_000)
    scores = np.log([float(found.scores[name]) for name in votes.models])
    assert fit_strengths(votes, Ties.HALF).strengths == pytest.approx(scores - scores.mean(), abs=1e-8)


def arena_votes() -> Votes:
    """Return 600 votes on six models, 97 of them ties, without chance."""
    k = np.arange(600)
    first = (k * 7 + k // 11) % 6
    second = (first + 1 + (k * 5 + k // 7) % 5) % 6
    true = np.array([0.9, 0.4, 0.1, -0.2, -0.5, -0.7])
    drawn = ((k * k * 31 + k * 17 + 7) % 997) / 997
    chance = 1 / (1 + np.exp(-(true[first] - true[second])))
    outcome = np.where(drawn < chance * 0.85, 1, np.where(drawn < chance * 0.85 + 0.15, 0, -1))
    return Votes(tuple(f"m{one}" for one in range(6)), first, second, outcome.astype(np.int8))


def test_ratings_and_errors_are_those_of_arena_rank() -> None:
    # arena-rank 0.1.1: BradleyTerry(6, hessian_reg=1e-6).compute_ratings_and_cis, in units of 400 / ln 10 about 1000.
    ratings = (
        1117.9926366845157,
        1081.4796151494907,
        1012.4467448031447,
        958.9286004584509,
        941.4864286681693,
        887.6659742362286,
    )
    variances = (
        384.25763017369593,
        380.6898008043513,
        379.67132116866816,
        324.451983640227,
        371.99605072164763,
        506.6797731561996,
    )
    found = rank_votes(arena_votes(), Ties.HALF, Chances(draws=1000))
    assert found.fit is not None
    assert found.spread is not None
    scale = 400 / np.log(10)
    assert 1000 + scale * found.fit.strengths == pytest.approx(ratings, abs=1e-6)
    # Arena's have no correction for the number of votes and models.
    correction = 600 / (600 - 5)
    assert (scale * found.spread.errors()) ** 2 / correction == pytest.approx(variances, rel=1e-4)


def test_a_control_is_estimated_as_arena_ranks_contextual_model_does() -> None:
    ratings = (
        1118.1946770641914,
        1081.6588284074032,
        1012.9278486773156,
        958.4608348093753,
        941.118115189763,
        887.6396958519517,
    )
    variances = (
        383.49516764812836,
        380.87044265175257,
        383.3329916496574,
        326.1746833738054,
        374.42598229034496,
        498.1296987616836,
    )
    control = Control("x", ((np.arange(600) * 29) % 23 - 11) / 11, "as given")
    found = rank_votes(replace(arena_votes(), controls=(control,)), Ties.HALF, Chances(draws=1000))
    assert found.fit is not None
    assert found.spread is not None
    scale = 400 / np.log(10)
    assert 1000 + scale * found.fit.strengths == pytest.approx(ratings, abs=1e-5)
    assert (scale * found.spread.errors()) ** 2 / (600 / (600 - 6)) == pytest.approx(variances, rel=1e-3)
    assert found.influences[0].estimate == pytest.approx(-0.17053444, abs=1e-7)


def test_a_control_and_clusters_give_what_statsmodels_gives() -> None:
    votes, prompts, _ = patterned()
    design = np.zeros((len(votes), 5))
    design[np.arange(len(votes)), votes.first] += 1
    design[np.arange(len(votes)), votes.second] -= 1
    design = np.column_stack([design[:, 1:], votes.controls[0].values])
    model = Logit((votes.outcome > 0).astype(float), design)
    expected = model.fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": prompts.codes})
    found = rank_votes(replace(votes, ways=(prompts,)), Ties.HALF, Chances(draws=1000))
    assert found.fit is not None
    assert found.spread is not None
    assert found.fit.strengths[1:] - found.fit.strengths[0] == pytest.approx(expected.params[:4], abs=1e-8)
    assert found.influences[0].estimate == pytest.approx(expected.params[4], abs=1e-8)
    assert found.influences[0].se == pytest.approx(expected.bse[4], rel=1e-6)
    assert found.spread.errors_of_differences()[0, 1:] == pytest.approx(expected.bse[:4], rel=1e-6)


def test_which_of_two_models_is_called_first_changes_nothing_but_the_positions_sign() -> None:
    votes = arena_votes()
    turned = replace(votes, first=votes.second, second=votes.first, outcome=(-votes.outcome).astype(np.int8))
    shown = Control("position", np.ones(len(votes)), "shown first")
    plain, mirrored = (fit_strengths(replace(one, controls=(shown,)), Ties.DAVIDSON) for one in (votes, turned))
    assert mirrored.strengths == pytest.approx(plain.strengths, abs=1e-8)
    assert mirrored.controls == pytest.approx(-plain.controls, abs=1e-8)
    assert plain.log_nu == pytest.approx(mirrored.log_nu, abs=1e-8)


def test_the_derivatives_are_zero_at_the_estimate() -> None:
    votes, _, _ = patterned()
    outcome = votes.outcome.copy()
    outcome[::7] = 0
    votes = replace(votes, outcome=outcome)
    for ties in Ties:
        fit = fit_strengths(votes, ties)
        for model in range(5):
            score = fit.residuals[votes.first == model].sum() - fit.residuals[votes.second == model].sum()
            assert score == pytest.approx(0, abs=1e-7)
        assert fit.residuals @ votes.controls[0].values == pytest.approx(0, abs=1e-7)
        if fit.tie_residuals is not None:
            assert fit.tie_residuals.sum() == pytest.approx(0, abs=1e-7)


def test_a_control_that_the_models_tell_already_is_refused() -> None:
    votes, _, _ = patterned()
    size = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
    told = Control("size", size[votes.first] - size[votes.second], "as given")
    with pytest.raises(ConfigError, match='Control "size" says nothing that the models'):
        fit_strengths(replace(votes, controls=(told,)), Ties.HALF)


def test_a_control_that_decides_every_vote_is_refused() -> None:
    votes, _, _ = patterned()
    decisive = Control("oracle", votes.outcome.astype(np.float64), "as given")
    with pytest.raises(ConfigError, match='Control "oracle" decides votes perfectly'):
        fit_strengths(replace(votes, controls=(votes.controls[0], decisive)), Ties.HALF)


def test_the_citations_are_those_of_the_source() -> None:
    votes = citations()
    assert len(votes) == sum(CITATIONS[i][j] for i in range(4) for j in range(4) if i != j)
    assert votes.models == JOURNALS
